"""Files that are never half there, and are checked byte by byte when read: safetensors with checksums.

A file of tensors has one checksum, and is read whole. A file of blocks can be read in part: one checksum is over its
header and index, and the index holds a checksum of each block.
"""

from supsup_lite.files.blocks import BlockFile, blocks_content
from supsup_lite.files.header import MOST_STRUCTURE, Entry, json_of, version_of
from supsup_lite.files.json_file import read_json
from supsup_lite.files.paths import open_file
from supsup_lite.files.tensors import read_checked, write_checked
from supsup_lite.files.writing import remove_unfinished, write

__all__ = [
    "MOST_STRUCTURE",
    "BlockFile",
    "Entry",
    "blocks_content",
    "json_of",
    "open_file",
    "read_checked",
    "read_json",
    "remove_unfinished",
    "version_of",
    "write",
    "write_checked",
]
