"""What every part of a rule file is made of: ids, amounts, and selectors of nodes and SKUs."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^\S(.*\S)?$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Cents = Annotated[int, Field(ge=0, le=10**12)]
Weight = Annotated[Decimal, Field(ge=0, le=1000, max_digits=9, decimal_places=4)]
NodeTypeName = Literal["STORE", "WAREHOUSE", "DISTRIBUTION_CENTER", "SUPPLIER", "MARKETPLACE_SELLER"]


class Strict(BaseModel):
    """Unknown keys are refused; nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class NodeSelector(Strict):
    """Nodes that match every stated key; within a key any entry is enough. Empty matches all nodes."""

    ids: tuple[Id, ...] = ()
    types: tuple[NodeTypeName, ...] = ()
    groups: tuple[Id, ...] = ()
    labels: tuple[Id, ...] = ()
    countries: tuple[Country, ...] = ()


class SkuSelector(Strict):
    """SKUs that match every stated key; within a key any entry is enough. Empty matches all SKUs."""

    ids: tuple[Id, ...] = ()
    labels: tuple[Id, ...] = ()
