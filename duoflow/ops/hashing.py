"""Fingerprints of byte strings that TensorFlow's hashing ops are made of.

farm64: FarmHash's Fingerprint64 (G. Pike). sip64: SipHash-2-4 (Aumasson and Bernstein, 2012). murmur64: MurmurHash64A
(A. Appleby) under TensorFlow's seed.
"""

from __future__ import annotations

import struct

__all__ = ["farm64", "murmur64", "sip64"]

_M = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _u64(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


def _u32(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 4], "little")


def _rotate(x: int, right: int) -> int:
    return (x >> right | x << (64 - right)) & _M


def _shift_mix(x: int) -> int:
    return x ^ x >> 47


def _mix(u: int, v: int, mul: int) -> int:
    a = (u ^ v) * mul & _M
    a ^= a >> 47
    b = (v ^ a) * mul & _M
    b ^= b >> 47
    return b * mul & _M


def farm64(s: bytes) -> int:
    """FarmHash's Fingerprint64."""
    n = len(s)
    if n <= 16:
        return _farm_to_16(s, n)
    if n <= 32:
        return _farm_to_32(s, n)
    return _farm_to_64(s, n) if n <= 64 else _farm_long(s, n)


def _farm_to_16(s: bytes, n: int) -> int:
    mul = (_K2 + n * 2) & _M
    if n >= 8:
        a, b = (_u64(s, 0) + _K2) & _M, _u64(s, n - 8)
        c = (_rotate(b, 37) * mul + a) & _M
        d = (_rotate(a, 25) + b) * mul & _M
        return _mix(c, d, mul)
    if n >= 4:
        return _mix(n + (_u32(s, 0) << 3), _u32(s, n - 4), mul)
    if n:
        y = s[0] + (s[n >> 1] << 8)
        z = n + (s[n - 1] << 2)
        return _shift_mix((y * _K2 ^ z * _K0) & _M) * _K2 & _M
    return _K2


def _farm_to_32(s: bytes, n: int) -> int:
    mul = (_K2 + n * 2) & _M
    a, b = _u64(s, 0) * _K1 & _M, _u64(s, 8)
    c, d = _u64(s, n - 8) * mul & _M, _u64(s, n - 16) * _K2 & _M
    first = _rotate((a + b) & _M, 43) + _rotate(c, 30) + d
    return _mix(first & _M, (a + _rotate((b + _K2) & _M, 18) + c) & _M, mul)


def _farm_to_64(s: bytes, n: int) -> int:
    mul = (_K2 + n * 2) & _M
    a, b = _u64(s, 0) * _K2 & _M, _u64(s, 8)
    c, d = _u64(s, n - 8) * mul & _M, _u64(s, n - 16) * _K2 & _M
    y = (_rotate((a + b) & _M, 43) + _rotate(c, 30) + d) & _M
    z = _mix(y, (a + _rotate((b + _K2) & _M, 18) + c) & _M, mul)
    e, f = _u64(s, 16) * mul & _M, _u64(s, 24)
    g, h = (y + _u64(s, n - 32)) * mul & _M, (z + _u64(s, n - 24)) * mul & _M
    first = _rotate((e + f) & _M, 43) + _rotate(g, 30) + h
    return _mix(first & _M, (e + _rotate((f + a) & _M, 18) + g) & _M, mul)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = struct.unpack_from("<4Q", s, at)
    a = (a + w) & _M
    b = _rotate((b + a + z) & _M, 21)
    c = a
    a = (a + x + y) & _M
    b = (b + _rotate(a, 44)) & _M
    return (a + z) & _M, (b + c) & _M


def _farm_long(s: bytes, n: int) -> int:
    x, y = 81, (81 * _K1 + 113) & _M
    z = _shift_mix((y * _K2 + 113) & _M) * _K2 & _M
    v = w = (0, 0)
    x = (x * _K2 + _u64(s, 0)) & _M
    end = (n - 1) // 64 * 64
    for at in range(0, end, 64):
        x = _rotate((x + y + v[0] + _u64(s, at + 8)) & _M, 37) * _K1 & _M
        y = _rotate((y + v[1] + _u64(s, at + 48)) & _M, 42) * _K1 & _M
        x ^= w[1]
        y = (y + v[0] + _u64(s, at + 40)) & _M
        z = _rotate((z + w[0]) & _M, 33) * _K1 & _M
        v = _weak(s, at, v[1] * _K1 & _M, (x + w[0]) & _M)
        w = _weak(s, at + 32, (z + w[1]) & _M, (y + _u64(s, at + 16)) & _M)
        z, x = x, z
    mul = (_K1 + ((z & 0xFF) << 1)) & _M
    at = n - 64
    w = ((w[0] + ((n - 1) & 63)) & _M, w[1])
    v = ((v[0] + w[0]) & _M, v[1])
    w = ((w[0] + v[0]) & _M, w[1])
    x = _rotate((x + y + v[0] + _u64(s, at + 8)) & _M, 37) * mul & _M
    y = _rotate((y + v[1] + _u64(s, at + 48)) & _M, 42) * mul & _M
    x ^= w[1] * 9 & _M
    y = (y + v[0] * 9 + _u64(s, at + 40)) & _M
    z = _rotate((z + w[0]) & _M, 33) * mul & _M
    v = _weak(s, at, v[1] * mul & _M, (x + w[0]) & _M)
    w = _weak(s, at + 32, (z + w[1]) & _M, (y + _u64(s, at + 16)) & _M)
    z, x = x, z
    first = (_mix(v[0], w[0], mul) + _shift_mix(y) * _K0 + z) & _M
    return _mix(first, (_mix(v[1], w[1], mul) + x) & _M, mul)


def murmur64(s: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """MurmurHash64A."""
    m, n = 0xC6A4A7935BD1E995, len(s)
    h = seed ^ n * m & _M
    whole = n // 8 * 8
    for at in range(0, whole, 8):
        k = _u64(s, at) * m & _M
        k = (k ^ k >> 47) * m & _M
        h = (h ^ k) * m & _M
    if n > whole:
        h = (h ^ int.from_bytes(s[whole:], "little")) * m & _M
    h = (h ^ h >> 47) * m & _M
    return h ^ h >> 47


def sip64(s: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 under a key of two 64-bit numbers."""
    k0, k1 = (k & _M for k in key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = s + b"\0" * (7 - len(s) % 8) + bytes([len(s) & 0xFF])
    for at in range(0, len(padded), 8):
        word = _u64(padded, at)
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_rounds(v: list[int], count: int) -> None:
    a, b, c, d = v
    for _ in range(count):
        a, c = (a + b) & _M, (c + d) & _M
        b, d = _rotate(b, 51) ^ a, _rotate(d, 48) ^ c
        a, c = _rotate(a, 32), (c + b) & _M
        a = (a + d) & _M
        b, d = _rotate(b, 47) ^ c, _rotate(d, 43) ^ a
        c = _rotate(c, 32)
    v[:] = a, b, c, d
