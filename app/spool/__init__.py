"""A durable, append-only spool of byte records on local disk, for when the place where they belong is away.

It knows nothing of what the records mean. What it promises: a record is on disk when `append` returns; all records of
a process come back in the order in which they were appended, at least once, however the process ended; a damaged file
costs what is damaged and nothing else, and never yields a record that was not written.

    <folder>/                               shared by all processes of the host, mode 0700
      00000001-<random>/                    one for each process
        lock                                held by flock(2) as long as the process lives
        0000000001-<key>.spool              the segments, in order (app/spool/segment.py says what is in them)
      00000001-<random>-<segment>.damaged   of files that could not be read in whole the newest ten, for people

`segment.py` is the format and pure; `files.py`, `folder.py` and `writer.py` do the work on disk; `store.py` puts them
together for one thread, and `spool.py` lends that thread to an event loop. `condition.py` says how the spool is.
"""

from app.spool.condition import SpoolState
from app.spool.errors import SpoolUnavailable
from app.spool.spool import Spool

__all__ = ["Spool", "SpoolState", "SpoolUnavailable"]
