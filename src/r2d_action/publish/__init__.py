"""Push once, tag by manifest, verify by digest.

The layers travel once (:mod:`.publisher`). Every tag is the same manifest put under
another name, moving tags last (:mod:`.tags`), so that a run that is stopped at any
point leaves each tag either as it was or complete.
"""

from r2d_action.publish.publisher import Publisher, Source
from r2d_action.publish.values import Copied, Published

__all__ = ["Copied", "Published", "Publisher", "Source"]
