"""A campaign: batches of inputs, each batch to a new shop or to one reader; what finds new edges is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from google.protobuf.message import DecodeError, Message

from bench.fuzz import readers, texts
from bench.fuzz.case import Failure, Input
from bench.fuzz.edges import EDGES
from bench.fuzz.feed import Feeder, broken_by, kind_of, shortened
from bench.fuzz.messages import Maker, Words, broken_bytes
from bench.fuzz.requests import good_requests
from bench.fuzz.shop import START_SECONDS, Shop, message_type, methods, opened

CALLS_PER_BATCH = 200
FILES_PER_BATCH = 20
FILE_SHARE = 0.12
"""Of all inputs; reading a file takes longer than a call."""
SERVED_SHARE = 0.04
"""Of the batches of calls, through a real server and channel."""
MOST_KEPT = 400
"""Inputs of a target in the corpus; beyond, one is dropped for each new one."""
HEAVY = {"SourcingService/SourceOrder": 4, "SourcingService/SourceOrders": 4, "SourcingService/GetPromise": 2}
"""What has compiled readers of its own is called more often."""


@dataclass(slots=True)
class Found:
    """Of a campaign. counts: inputs by target and how they ended. edges: all that were taken."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    corpus: dict[str, list[bytes]] = field(default_factory=dict)
    edges: set[int] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)


def all_targets() -> list[str]:
    """Names of the methods and of the readers of files."""
    return [*methods(), *readers.READERS]


class Campaign:
    """``batch`` again and again.

    targets: their names. corpus: inputs to begin with. under_way: told every input before it is fed, and None
    when a batch begins. make: of the shop.
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        targets: Sequence[str],
        corpus: Sequence[Input] = (),
        under_way: Callable[[Input | None], None] = lambda _: None,
        make: Callable[[], Shop] = Shop,
    ) -> None:
        self.found = Found()
        self._random = Random(seed)
        self._feeder = Feeder(folder, make)
        self._under_way = under_way
        self._kinds: set[str] = set()
        every = methods()
        self._requests = {name: message_type(every[name].input_type) for name in targets if name in every}
        self._answers = {name: message_type(every[name].output_type) for name in self._requests}
        self._readers = [name for name in targets if name in readers.READERS]
        self._words = Words(words())
        self._maker = Maker(self._random, self._words, START_SECONDS)
        for name in self._readers:
            self.found.corpus[name] = [readers.READERS[name].seed(folder)]
        for name, requests in good_requests().items():
            if name in self._requests:
                self.found.corpus[name] = [each.SerializeToString() for each in requests]
        for each in corpus:
            if each.target in targets:
                self.found.corpus.setdefault(each.target, []).append(each.data)

    def batch(self) -> int:
        """How many inputs it had."""
        self._under_way(None)
        per_call = FILE_SHARE / FILES_PER_BATCH
        share = per_call / (per_call + (1 - FILE_SHARE) / CALLS_PER_BATCH)
        if self._readers and (not self._requests or self._random.random() < share):
            weights = [readers.READERS[name].weight for name in self._readers]
            return self._read(self._random.choices(self._readers, weights)[0])
        return self._call()

    def _read(self, target: str) -> int:
        for _ in range(FILES_PER_BATCH):
            kept = self.found.corpus[target]
            data = self._random.choice(kept)
            if target in readers.IS_BYTES:
                data = broken_bytes(self._random, data)
            else:
                data = texts.mutated(self._random, data, kept)
            self._fed([Input(target, data)])
        return FILES_PER_BATCH

    def _call(self) -> int:
        names = list(self._requests)
        weights = [HEAVY.get(name, 1) for name in names]
        self._words.begin()
        batch: list[Input] = []
        is_served = self._random.random() < SERVED_SHARE
        with self._feeder.shop.served() if is_served else nullcontext():
            for name in self._random.choices(names, weights, k=CALLS_PER_BATCH):
                batch.append(Input(name, self._request(name)))
                if not self._fed(batch):
                    return len(batch)
            EDGES.clear()
            self._judge(batch, broken_by(self._feeder.settle))
        return len(batch)

    def _request(self, name: str) -> bytes:
        """New, or one that found something, changed as a message or in its bytes."""
        random, kind, kept = self._random, self._requests[name], self.found.corpus.get(name)
        if not kept or random.random() < 0.2:
            raw = self._maker.message(kind).SerializeToString()
        else:
            raw = self._changed(kind, random.choice(kept))
        return broken_bytes(random, raw) if random.random() < 0.12 else raw

    def _changed(self, kind: type[Message], raw: bytes) -> bytes:
        try:
            message = kind.FromString(raw)
        except DecodeError:
            return broken_bytes(self._random, raw)
        # Ids that this shop has told, in the place of those that another one told.
        self._maker.renew_ids(message)
        if self._random.random() < 0.8:
            self._maker.mutated(message)
        return message.SerializeToString()

    def _fed(self, batch: list[Input]) -> bool:
        """Feeds the last of a batch; False when it breaks a law."""
        each = batch[-1]
        self._under_way(each)
        EDGES.clear()
        ended = ["broke a law", b""]

        def feed() -> None:
            ended[:] = self._feeder.feed(each)

        is_good = self._judge(batch, broken_by(feed))
        self.found.counts[each.target, str(ended[0])] += 1
        if is_good:
            self._keep(each)
            if ended[1] and each.target in self._answers:
                self._words.learn(self._answers[each.target].FromString(ended[1]))
        return is_good

    def _keep(self, each: Input) -> None:
        """In the corpus, when it went where none was before."""
        if EDGES.taken <= self.found.edges:
            return
        self.found.edges |= EDGES.taken
        kept = self.found.corpus.setdefault(each.target, [])
        if len(kept) < MOST_KEPT:
            kept.append(each.data)
        else:
            kept[self._random.randrange(len(kept))] = each.data

    def _judge(self, batch: list[Input], what: str | None) -> bool:
        """False for a failure, which is kept when it is the first of its kind."""
        if what is None:
            return True
        self._feeder.forget()
        if kind_of(what) not in self._kinds:
            self._kinds.add(kind_of(what))
            inputs = shortened(batch, what, Feeder(self._feeder.folder, self._feeder.make))
            self.found.failures.append(Failure(inputs, what))
        return False


def words() -> dict[str, Sequence[str]]:
    """By the name of a field: what the shop knows."""
    _, inputs = opened()
    network = inputs.network
    skus = inputs.catalogue.ids.names()
    nodes = [node.node_id for node in network.nodes]
    return {
        "sku_id": skus,
        "substitutes": skus,
        "sku_ids": skus,
        **dict.fromkeys(("node_id", "node_ids", "declined_node_ids", "pickup_node_id"), nodes),
        **dict.fromkeys(("selling_node_id", "drop_off_node_id", "original_node_id"), nodes),
        "pickup_point_id": [point.point_id for point in network.pickup_points],
        "service_id": [service.service_id for service in network.services],
        "country_code": ["FR", "FR", "FR", "BE", "CH"],
        "postal_code": ["75020", "59000", "69002", "13001", "9000", ""],
        "sourcing_profile": ["", "", "shop", "plain"],
        "customer_segment": ["", "gold"],
        "together": ["", "", "a"],
        "line_id": ["1", "2", "3", "4", "5"],
        "delivery_id": ["", "home", "store"],
        "order_id": [f"o-{number}" for number in range(40)],
        "request_id": [f"r-{number}" for number in range(400)],
        "feed_id": ["", "", "", "wms"],
    }
