# SPDX-License-Identifier: LGPL-2.1-or-later
"""memory.py: shared memory, and the few atomic operations on it that the specification asks for.

Python has no atomic operations on memory that processes share. libatomic, a part of the compiler's runtime, has them as functions;
all are used with sequentially consistent order, which is at least what the specification asks for in each place. The memory is mapped
through the C library, because Python's mmap does not tell the address of a read-only mapping.
"""
import ctypes
import fcntl
import os

SEQUENTIALLY_CONSISTENT = 5
PROT_READ, PROT_WRITE, MAP_SHARED = 1, 2, 1
MAP_FAILED = ctypes.c_void_p(-1).value
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW

_c = ctypes.CDLL(None, use_errno=True)
_c.mmap.restype = ctypes.c_void_p
_c.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_c.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_atomic = ctypes.CDLL("libatomic.so.1")


def _function(name, bits, result, *arguments):
    function = _atomic[f"__atomic_{name}_{bits // 8}"]
    function.restype = result
    function.argtypes = [ctypes.c_void_p, *arguments]
    return function


class _Atomic:
    """The operations on words of one width."""

    def __init__(self, bits, word):
        self.word = word
        order = ctypes.c_int
        self.load = _function("load", bits, word, order)
        self.store = _function("store", bits, None, word, order)
        self.exchange = _function("exchange", bits, word, word, order)
        self.fetch_or = _function("fetch_or", bits, word, word, order)
        self.compare_exchange = _function("compare_exchange", bits, ctypes.c_bool, ctypes.c_void_p, word, order, order)


_U32 = _Atomic(32, ctypes.c_uint32)
_U64 = _Atomic(64, ctypes.c_uint64)


class Unacceptable(Exception):
    """A descriptor is not the memory that it should be."""


class Memory:
    """A sealed memory file, mapped whole. Takes the descriptor over. Every access is checked against its size."""

    def __init__(self, descriptor, smallest, largest, writable=True):
        self.address = None
        self.descriptor = descriptor
        self.start = 0
        try:
            self.size = os.fstat(descriptor).st_size
            if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALS != SEALS or not smallest <= self.size <= largest:
                raise Unacceptable(f"memory of {self.size} bytes")
            address = _c.mmap(None, self.size, PROT_READ | (PROT_WRITE if writable else 0), MAP_SHARED, descriptor, 0)
            if address == MAP_FAILED:
                raise Unacceptable(os.strerror(ctypes.get_errno()))
        except BaseException:
            os.close(descriptor)
            raise
        self.address = address
        self.present = 0  # bytes from the start that this process has made sure of

    def close(self):
        if self.address is not None:
            _c.munmap(self.address, self.size)
            os.close(self.descriptor)
            self.address = None

    def _at(self, offset, length):
        if offset < 0 or length < 0 or offset + length > self.size:
            raise IndexError(f"{length} bytes at {offset} of {self.size}")
        return self.address + offset

    def read(self, offset, length):
        return ctypes.string_at(self._at(offset, length), length)

    def write(self, offset, data):
        ctypes.memmove(self._at(offset, len(data)), data, len(data))

    def make_sure(self, end):
        """Whether the memory up to `end` is really there: on a full system touching it would end the process."""
        if end > self.present:
            try:
                os.posix_fallocate(self.descriptor, self.start + self.present, end - self.present)
            except OSError:
                return False
            self.present = end
        return True

    def load(self, offset):
        return _U64.load(self._at(offset, 8), SEQUENTIALLY_CONSISTENT)

    def store(self, offset, value):
        _U64.store(self._at(offset, 8), value, SEQUENTIALLY_CONSISTENT)

    def compare_exchange(self, offset, expected, desired, atomic=_U64):
        """(whether it was changed, the value that was there)."""
        seen = atomic.word(expected)
        changed = atomic.compare_exchange(self._at(offset, ctypes.sizeof(seen)), ctypes.addressof(seen), desired,
                                          SEQUENTIALLY_CONSISTENT, SEQUENTIALLY_CONSISTENT)
        return changed, seen.value

    def load32(self, offset):
        return _U32.load(self._at(offset, 4), SEQUENTIALLY_CONSISTENT)

    def exchange32(self, offset, value):
        return _U32.exchange(self._at(offset, 4), value, SEQUENTIALLY_CONSISTENT)

    def fetch_or32(self, offset, bits):
        """Sets bits; the value that was there."""
        return _U32.fetch_or(self._at(offset, 4), bits, SEQUENTIALLY_CONSISTENT)

    def compare_exchange32(self, offset, expected, desired):
        return self.compare_exchange(offset, expected, desired, _U32)


class Part(Memory):
    """A piece of other memory, which must be there for longer."""

    def __init__(self, whole, start, size):
        if start < 0 or size < 0 or start + size > whole.size:
            raise Unacceptable(f"{size} bytes at {start} of {whole.size}")
        self.start = start
        self.descriptor, self.address, self.size = whole.descriptor, whole.address + start, size
        self.present = 0

    def close(self):
        self.address = None
