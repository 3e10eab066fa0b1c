"""Comparisons of what we do with what people would do without us. ``python -m bench`` runs all."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
