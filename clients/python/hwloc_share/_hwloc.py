"""libhwloc through ctypes: sets, objects, topologies."""

from __future__ import annotations

import collections.abc
import contextlib
import ctypes
import errno
import functools
import itertools
import os
import re
import struct
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union


class HwlocError(OSError):
    """libhwloc was not found, or one of its functions failed. `errno` is 0 if the function did not set it."""


def setting(name: str) -> Optional[str]:
    """An environment variable; None if it is not set, or empty."""
    # Open MPI passes only variables that begin with OMPI_ to other nodes.
    return os.environ.get(name, os.environ.get(f"OMPI_{name}") if name.startswith("HWLOC_SHARE_") else None) or None


_POINTER, _SIZE, _INT, _UNSIGNED, _FLAGS = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint, ctypes.c_ulong
_TEXT, _TO_POINTER = ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)
_PROTOTYPES: Dict[str, Tuple[Any, List[Any]]] = {
    "hwloc_get_api_version": (_UNSIGNED, []),
    "hwloc_topology_init": (_INT, [_TO_POINTER]),
    "hwloc_topology_load": (_INT, [_POINTER]),
    "hwloc_topology_destroy": (None, [_POINTER]),
    "hwloc_topology_set_flags": (_INT, [_POINTER, _FLAGS]),
    "hwloc_topology_set_io_types_filter": (_INT, [_POINTER, _INT]),
    "hwloc_topology_set_all_types_filter": (_INT, [_POINTER, _INT]),
    "hwloc_topology_set_xml": (_INT, [_POINTER, _TEXT]),
    "hwloc_topology_is_thissystem": (_INT, [_POINTER]),
    "hwloc_topology_get_depth": (_INT, [_POINTER]),
    "hwloc_get_depth_type": (_INT, [_POINTER, _INT]),
    "hwloc_get_type_depth": (_INT, [_POINTER, _INT]),
    "hwloc_get_nbobjs_by_depth": (_UNSIGNED, [_POINTER, _INT]),
    "hwloc_get_obj_by_depth": (_POINTER, [_POINTER, _INT, _UNSIGNED]),
    "hwloc_type_sscanf": (_INT, [_TEXT, ctypes.POINTER(_INT), _POINTER, _SIZE]),
    "hwloc_obj_type_string": (_TEXT, [_INT]),
    "hwloc_topology_export_xmlbuffer": (_INT, [_POINTER, _TO_POINTER, ctypes.POINTER(_INT), _FLAGS]),
    "hwloc_free_xmlbuffer": (None, [_POINTER, _POINTER]),
    "hwloc_bitmap_alloc": (_POINTER, []),
    "hwloc_bitmap_free": (None, [_POINTER]),
    "hwloc_bitmap_list_sscanf": (_INT, [_POINTER, _TEXT]),
    "hwloc_bitmap_list_snprintf": (_INT, [_TEXT, _SIZE, _POINTER]),
    "hwloc_set_cpubind": (_INT, [_POINTER, _POINTER, _INT]),
    "hwloc_get_cpubind": (_INT, [_POINTER, _POINTER, _INT]),
    "hwloc_shmem_topology_get_length": (_INT, [_POINTER, ctypes.POINTER(_SIZE), _FLAGS]),
    "hwloc_shmem_topology_write": (_INT, [_POINTER, _INT, ctypes.c_uint64, _POINTER, _SIZE, _FLAGS]),
    "hwloc_shmem_topology_adopt": (_INT, [_TO_POINTER, _INT, ctypes.c_uint64, _POINTER, _SIZE, _FLAGS]),
}


@functools.lru_cache(maxsize=None)
def libhwloc() -> ctypes.CDLL:
    """The library. Its functions release Python's lock while they run. Raises HwlocError if it was not found."""
    library = None
    for name in (setting("HWLOC_SHARE_LIBHWLOC"), "libhwloc.so.15", "libhwloc.so.12", "libhwloc.so"):
        with contextlib.suppress(OSError):
            library = library or (name and ctypes.CDLL(name, use_errno=True))
    if library is None:
        raise HwlocError(errno.ENOENT, "libhwloc was not found; install it (libhwloc15 in Debian, hwloc-libs in RHEL)")
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def call(name: str, *arguments: object) -> int:
    """Calls a function of libhwloc. Raises HwlocError if it returns -1."""
    ctypes.set_errno(0)
    result = getattr(libhwloc(), name)(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise HwlocError(number, f"{name}: {os.strerror(number) if number else 'it did not say why'}")
    return int(result)


class CpuSet(collections.abc.Set):  # type: ignore[type-arg]
    """A set of CPUs or NUMA nodes, by OS index. It cannot change.

    `CpuSet("0-3,8")`, `CpuSet([0, 1])`; `str(set)` gives hwloc's list text back. The operators are those of sets.
    """

    __slots__ = ("_members",)
    __hash__ = collections.abc.Set._hash

    def __init__(self, members: Union[str, Iterable[int]] = ()) -> None:
        self._members = tuple(sorted(set(_indexes(members) if isinstance(members, str) else members)))

    @classmethod
    def _at(cls, bitmap: Optional[int]) -> Optional[CpuSet]:
        """A copy of a `hwloc_bitmap_t`."""
        if not bitmap:
            return None
        text = ctypes.create_string_buffer(call("hwloc_bitmap_list_snprintf", None, 0, bitmap) + 1)
        call("hwloc_bitmap_list_snprintf", text, len(text), bitmap)
        return cls(text.value.decode())

    @contextlib.contextmanager
    def _bitmap(self) -> Iterator[int]:
        """A `hwloc_bitmap_t` with the same members, until the end of a `with`."""
        bitmap = libhwloc().hwloc_bitmap_alloc()
        try:
            call("hwloc_bitmap_list_sscanf", bitmap, str(self).encode())
            yield bitmap
        finally:
            libhwloc().hwloc_bitmap_free(bitmap)

    def __iter__(self) -> Iterator[int]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, index: object) -> bool:
        return index in self._members

    def __str__(self) -> str:
        groups = itertools.groupby(enumerate(self), lambda pair: pair[1] - pair[0])
        runs = [[index for _, index in group] for _, group in groups]
        return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)

    def __repr__(self) -> str:
        return f"CpuSet({str(self)!r})"


def _indexes(text: str) -> Iterator[int]:
    """The members of a list such as `0-3,8`. Raises ValueError."""
    for word in filter(None, text.strip().split(",")):
        bounds = re.fullmatch("([0-9]+)(?:-([0-9]+))?", word)
        if bounds is None or int(bounds[2] or bounds[1]) < int(bounds[1]):
            raise ValueError(f"not a list of indexes: {text!r}")
        yield from range(int(bounds[1]), int(bounds[2] or bounds[1]) + 1)


_UNKNOWN_INDEX = 0xFFFFFFFF
# offsetof() in struct hwloc_obj, the same in hwloc 2 and 3.
_AT = {
    "type": 0, "subtype": 8, "os_index": 16, "name": 24, "total_memory": 32, "attributes": 40, "depth": 48, "logical_index": 52,
    "parent": 72, "next_sibling": 88, "first_child": 120, "memory_first_child": 144, "io_first_child": 160, "misc_first_child": 176,
    "cpuset": 184, "nodeset": 200, "infos": 216, "infos_count": 224, "gp_index": 240,
}  # fmt: skip
_CHILDREN = ("first_child", "memory_first_child", "io_first_child", "misc_first_child")
_OSDEV = {
    2: ("Block", "GPU", "Network", "OpenFabrics", "DMA", "CoProc"),
    3: ("Storage", "Memory", "GPU", "CoProc", "Network", "OpenFabrics", "DMA"),
}


class Object:
    """An object of a topology: hwloc's `struct hwloc_obj`. Every use raises ValueError after the session's close()."""

    __slots__ = ("_topology", "_address")

    def __init__(self, topology: Topology, address: int) -> None:
        self._topology, self._address = topology, address

    def _read(self, field: str, form: str) -> Any:
        self._topology.pointer  # raises if it is closed: then the memory is unmapped
        return _read(self._address + _AT[field], form)

    def _object(self, field: str) -> Optional[Object]:
        address = self._read(field, "P")
        return Object(self._topology, address) if address else None

    #: hwloc's name for it: "Core", "PU", "NUMANode", "L3Cache" ...
    type = property(lambda self: str(libhwloc().hwloc_obj_type_string(self._read("type", "i")).decode()))
    subtype = property(lambda self: _text_at(self._read("subtype", "P")))
    name = property(lambda self: _text_at(self._read("name", "P")))
    #: Its number among the objects of its level.
    logical_index = property(lambda self: self._read("logical_index", "I"))
    #: The system's number for it; None if there is none, or it is unknown.
    os_index = property(
        lambda self: None if self._read("os_index", "I") == _UNKNOWN_INDEX else self._read("os_index", "I")
    )
    #: Its level; below 0 for levels outside of the main tree. See hwloc_get_obj_by_depth().
    depth = property(lambda self: self._read("depth", "i"))
    #: A number that no other object of the topology has.
    gp_index = property(lambda self: self._read("gp_index", "Q"))
    #: Bytes of memory in the NUMA nodes below it.
    total_memory = property(lambda self: self._read("total_memory", "Q"))
    #: The CPUs in it; None for I/O and Misc objects.
    cpuset = property(lambda self: CpuSet._at(self._read("cpuset", "P")))
    #: The NUMA nodes in it, or near it; None for I/O and Misc objects.
    nodeset = property(lambda self: CpuSet._at(self._read("nodeset", "P")))
    parent = property(lambda self: self._object("parent"))

    @property
    def children(self) -> List[Object]:
        """Its children: normal ones, then memory, I/O and Misc."""
        found: List[Object] = []
        for field in _CHILDREN:
            child = self._object(field)
            while child is not None:
                found.append(child)
                child = child._object("next_sibling")
        return found

    @property
    def infos(self) -> Dict[str, str]:
        """Name and value pairs, such as "CPUModel". If a name occurs twice, the first counts."""
        first, count = self._read("infos", "P"), self._read("infos_count", "I")
        pairs = [_read(first + 16 * i, "PP") for i in range(count if first else 0)]
        return {_text_at(name) or "": _text_at(value) or "" for name, value in reversed(pairs)}

    @property
    def attributes(self) -> Dict[str, object]:
        """The attributes of its type. Sizes are in bytes; 0 means unknown. See union hwloc_obj_attr_u.

        Caches: `size`, `depth`, `line_size`, `associativity`, `kind`; NUMA nodes: `local_memory`; groups: `depth`,
        `kind`; PCI devices: `bus_id`, `class_id`, `vendor_id`, `device_id`, `link_speed`; OS devices: `types`.
        """
        at, kind, major = self._read("attributes", "P"), self.type, self._topology.abi >> 16
        if not at:
            return {}
        if kind.endswith("Cache"):
            size, *values = _read(at, "QIIii" if major == 2 else "QiIIi")
            cache = values.pop() if major == 2 else values.pop(0)
            named = dict(zip(("depth", "line_size", "associativity"), values))
            return {"size": size, **named, "kind": ("unified", "data", "instruction")[cache]}
        if kind == "NUMANode":
            return {"local_memory": _read(at, "Q")}
        if kind == "Group":
            return dict(zip(("depth", "kind"), _read(at, "II")))
        if kind == "PCIDev":
            domain, bus, device, function = _read(at, "HBBB" if major == 2 else "IBBB")
            ids = _read(at + (6 if major == 2 else 8), "HHH")
            named = dict(zip(("class_id", "vendor_id", "device_id"), ids))
            return {
                "bus_id": f"{domain:04x}:{bus:02x}:{device:02x}.{function:x}",
                **named,
                "link_speed": _read(at + 20, "f"),
            }
        if kind == "OSDev":
            number, names = (_read(at, "I"), _OSDEV[2]) if major == 2 else (_read(at, "Q"), _OSDEV[3])
            is_it = (lambda i: number == i) if major == 2 else (lambda i: number >> i & 1)
            return {"types": [name for i, name in enumerate(names) if is_it(i)]}
        return {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Object) and self._address == other._address

    def __hash__(self) -> int:
        return hash(self._address)

    def __repr__(self) -> str:
        return f"<{self.type} L#{self.logical_index}>"


def _read(address: int, form: str) -> Any:
    values = struct.unpack_from(form, (ctypes.c_char * struct.calcsize(form)).from_address(address))
    return values[0] if len(values) == 1 else values


def _text_at(address: int) -> Optional[str]:
    return ctypes.string_at(address).decode("utf-8", "replace") if address else None


class Topology:
    """A topology. It belongs to its session, whose last close() destroys it; every use raises ValueError then.

    It can be passed to functions of libhwloc that were loaded with ctypes: it stands for its `hwloc_topology_t`. One
    that was adopted is read-only, see hwloc/shmem.h.
    """

    def __init__(self, pointer: int) -> None:
        self._pointer: Optional[int] = pointer

    @property
    def pointer(self) -> int:
        """The `hwloc_topology_t`, as a number."""
        if self._pointer is None:
            raise ValueError("the session of this topology is closed")
        return self._pointer

    @property
    def _as_parameter_(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.pointer)

    @property
    def abi(self) -> int:
        """The ABI word: 0x20400 for hwloc 2.4 to 2.15."""
        return int(_read(self.pointer, "I"))

    #: The number of levels. See hwloc_topology_get_depth().
    depth = property(lambda self: int(libhwloc().hwloc_topology_get_depth(self.pointer)))
    #: Whether it describes the machine that it is used on. See hwloc_topology_is_thissystem().
    is_this_system = property(lambda self: bool(libhwloc().hwloc_topology_is_thissystem(self.pointer)))
    #: The machine.
    root = property(lambda self: Object(self, libhwloc().hwloc_get_obj_by_depth(self.pointer, 0, 0)))

    def _levels(self, kind: str) -> List[int]:
        lib, number = libhwloc(), ctypes.c_int()
        if lib.hwloc_type_sscanf(kind.encode(), ctypes.byref(number), None, 0) == -1:
            raise ValueError(f"no type of hwloc: {kind!r}")
        level = lib.hwloc_get_type_depth(self.pointer, number)
        if level == -2:  # HWLOC_TYPE_DEPTH_MULTIPLE: groups can be on several levels
            return [i for i in range(self.depth) if lib.hwloc_get_depth_type(self.pointer, i) == number.value]
        return [] if level == -1 else [level]

    def count(self, kind: str) -> int:
        """The number of objects of a type. Raises ValueError if hwloc does not know the name. See hwloc_type_sscanf()."""
        return len(self.objects(kind))

    def objects(self, kind: str) -> List[Object]:
        """The objects of a type, in logical order. Raises ValueError if hwloc does not know the name."""
        lib = libhwloc()
        places = [
            (level, i)
            for level in self._levels(kind)
            for i in range(lib.hwloc_get_nbobjs_by_depth(self.pointer, level))
        ]
        return [Object(self, lib.hwloc_get_obj_by_depth(self.pointer, level, i)) for level, i in places]

    @property
    def cpubind(self) -> CpuSet:
        """The CPUs that this process is bound to. Raises HwlocError. See hwloc_get_cpubind()."""
        with CpuSet()._bitmap() as bitmap:
            call("hwloc_get_cpubind", self.pointer, bitmap, 0)
            return CpuSet._at(bitmap) or CpuSet()

    def bind(self, cpuset: CpuSet) -> None:
        """Binds this process, all its threads, to CPUs.

        Raises HwlocError: the set is empty or not in the machine (EINVAL), or the topology is not of this system
        (ENOSYS). See hwloc_set_cpubind().
        """
        with cpuset._bitmap() as bitmap:
            call("hwloc_set_cpubind", self.pointer, bitmap, 0)

    def xml(self) -> str:
        """The topology as XML that hwloc 2 and 3 can read. See hwloc_topology_export_xmlbuffer()."""
        buffer, length = ctypes.c_void_p(), ctypes.c_int()
        # Flag 2 of hwloc 3 writes the format of hwloc 2, which hwloc 3 can read, too.
        flags = 2 if libhwloc().hwloc_get_api_version() >= 0x30000 else 0
        call("hwloc_topology_export_xmlbuffer", self.pointer, ctypes.byref(buffer), ctypes.byref(length), flags)
        try:
            return ctypes.string_at(buffer.value or 0, length.value).rstrip(b"\0").decode()
        finally:
            libhwloc().hwloc_free_xmlbuffer(self.pointer, buffer)

    def _destroy(self) -> None:
        if self._pointer is not None:
            libhwloc().hwloc_topology_destroy(self.pointer)
        self._pointer = None


# ---- What only this package uses ----

_FILTERS = {"all": 0, "none": 1, "important": 3}  # enum hwloc_type_filter_e
INCLUDE_DISALLOWED, IS_THISSYSTEM = 1, 2


def _new() -> Topology:
    pointer = ctypes.c_void_p()
    call("hwloc_topology_init", ctypes.byref(pointer))
    return Topology(pointer.value or 0)


def discover(io: str, flags: int = 0, xml: Optional[int] = None) -> Topology:
    """Discovers the machine, or what hwloc's variables name; or loads all that is in an open XML file."""
    topology = _new()
    try:
        call("hwloc_topology_set_io_types_filter", topology, _FILTERS[io])
        call("hwloc_topology_set_flags", topology, flags)
        if xml is not None:
            call("hwloc_topology_set_all_types_filter", topology, _FILTERS["all"])
            call("hwloc_topology_set_xml", topology, f"/proc/self/fd/{xml}".encode())
        call("hwloc_topology_load", topology)
    except BaseException:
        topology._destroy()
        raise
    return topology


@functools.lru_cache(maxsize=None)
def _probe() -> Topology:
    """An empty topology. It is never destroyed: the next one would load hwloc's plugins again."""
    return _new()


def own_abi() -> int:
    """The ABI word of this process's libhwloc."""
    return _probe().abi


def shared_length(topology: Topology) -> int:
    length = ctypes.c_size_t()
    call("hwloc_shmem_topology_get_length", topology, ctypes.byref(length), 0)
    return length.value


def adopt(fd: int, offset: int, at: int, length: int) -> Topology:
    """Maps the topology in a file. Raises HwlocError: EBUSY if something is mapped there."""
    pointer = ctypes.c_void_p()
    call("hwloc_shmem_topology_adopt", ctypes.byref(pointer), fd, offset, at, length, 0)
    return Topology(pointer.value or 0)


def write(
    topology: Topology, fd: int, offset: int, at: int, length: int, make_writable: Callable[[int, int], None]
) -> None:
    """Writes a topology into a file, and seals it. Raises HwlocError: EBUSY if something is mapped there."""
    call("hwloc_shmem_topology_write", topology, fd, offset, at, length, 0)
    if libhwloc().hwloc_get_api_version() >= 0x20300:
        # The seal: without it, a query of memory attributes writes to the read-only pages (hwloc 2.3 to 2.15).
        adopted = adopt(fd, offset, at, length)
        try:
            make_writable(at, length)
            call("hwloc_topology_refresh", adopted)
        finally:
            adopted._destroy()
