"""Symmetric positive definite systems, solved several at once on threads.

SciPy's wrapper of LAPACK holds Python's interpreter lock, so threads would wait for each other. The
routines behind it, which SciPy publishes for Cython, are called through ctypes instead, which
releases the lock; results are the same to the last bit.
"""

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.linalg import cython_lapack

from nba_rank.core.arrays import FloatArray

_CHARACTER = ctypes.c_char_p
_INTEGER = ctypes.POINTER(ctypes.c_int)
_NUMBERS = ctypes.c_void_p


def solve(matrix: FloatArray, right: FloatArray) -> int:
    """Solve a system by the upper triangle of its matrix, [n, n] in C order.

    The triangle is overwritten by its factor, and the right-hand side, [n], by the solution.
    Returns 0, or the order of the leading minor that is not positive, if there is no solution.
    """
    n, one, failed = ctypes.c_int(len(right)), ctypes.c_int(1), ctypes.c_int(0)
    # LAPACK reads rows in C order as columns, so its lower triangle is our upper one.
    _dposv()(b"L", n, one, matrix.ctypes.data, n, right.ctypes.data, n, failed)
    return failed.value


def inverse_diagonal(factor: FloatArray, last: int) -> FloatArray:
    """Return the last elements of the diagonal of a matrix's inverse, [last].

    They depend on the last block of the factor from `solve` alone, which is overwritten.
    """
    n, size, failed = ctypes.c_int(len(factor)), ctypes.c_int(last), ctypes.c_int(0)
    block = factor[-last:, -last:]
    _dtrtri()(b"L", b"N", size, block.ctypes.data, n, failed)
    return np.asarray(np.square(np.triu(block)).sum(axis=1))


@cache
def _dposv() -> Callable[..., None]:
    """Return LAPACK's dposv: triangle, n, columns, matrix, n, right-hand side, n, failed."""
    return _routine(
        "dposv", _CHARACTER, _INTEGER, _INTEGER, _NUMBERS, _INTEGER, _NUMBERS, _INTEGER, _INTEGER
    )


@cache
def _dtrtri() -> Callable[..., None]:
    """Return LAPACK's dtrtri: triangle, unit diagonal or not, size, matrix, n, failed."""
    return _routine("dtrtri", _CHARACTER, _CHARACTER, _INTEGER, _NUMBERS, _INTEGER, _INTEGER)


def _routine(name: str, *arguments: type) -> Callable[..., None]:
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = cython_lapack.__pyx_capi__[name]
    address = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    return ctypes.CFUNCTYPE(None, *arguments)(address)
