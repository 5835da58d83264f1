"""Layers that prepare data: numbers, categories, text, sound."""

from .categories import *
from .colours import *
from .equalizing import *
from .images import *
from .lookup import *
from .mixing import *
from .numbers import *
from .pipeline import *
from .sound import *
from .text import *
from .warping import *
