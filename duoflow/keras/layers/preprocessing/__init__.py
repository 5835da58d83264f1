"""Layers that prepare data: numbers, categories, text, sound."""

from .categories import *
from .images import *
from .lookup import *
from .numbers import *
from .pipeline import *
from .sound import *
from .text import *
