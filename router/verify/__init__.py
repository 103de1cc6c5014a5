"""An independent check of decisions: slow, plain, and sharing no code with what it checks."""

from router.verify.decision import verify

__all__ = ["verify"]
