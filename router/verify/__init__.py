"""An independent check of decisions: slow, plain, and sharing no code with what it checks."""

from router.verify.decision import verify
from router.verify.states import States

__all__ = ["States", "verify"]
