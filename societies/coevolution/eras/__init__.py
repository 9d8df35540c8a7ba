"""Eras: a history of values that is a model's, told by a prompt, trained into adapters, or recorded before."""

from societies.coevolution.eras.config import Era, ErasConfig
from societies.coevolution.eras.society import Eras, society

__all__ = ["Era", "Eras", "ErasConfig", "society"]
