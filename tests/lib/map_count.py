#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""map_count.py - how many entries a BPF map has, by the map itself.

  map_count.py PID NAME     of the map of that name that the process has open
"""
import ctypes
import os
import struct
import sys

BPF, GET_NEXT_KEY, GET_FD_BY_ID, GET_INFO = 321, 4, 14, 15
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    room = ctypes.create_string_buffer(attr, 128)
    done = libc.syscall(BPF, command, room, 128)
    if done < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return done


def maps_of(pid):
    folder = f"/proc/{pid}/fdinfo"
    for fd in os.listdir(folder):
        try:
            with open(f"{folder}/{fd}", encoding="ascii") as lines:
                told = dict(line.split(":", 1) for line in lines if ":" in line)
        except FileNotFoundError:
            continue
        if "map_id" in told:
            yield int(told["map_id"])


def info(fd):
    """Size of a key, most entries, name."""
    out = ctypes.create_string_buffer(128)
    bpf(GET_INFO, struct.pack("IIQ", fd, 128, ctypes.addressof(out)))
    size, entries = struct.unpack_from("I4xI", out.raw, 8)
    return size, entries, out.raw[24:40].split(b"\0")[0].decode()


def count(fd, size, most):
    keys = [ctypes.create_string_buffer(size), ctypes.create_string_buffer(size)]
    before = 0
    for n in range(most + 1):
        try:
            bpf(GET_NEXT_KEY, struct.pack("I4xQQ", fd, before, ctypes.addressof(keys[n % 2])))
        except OSError:
            return n
        before = ctypes.addressof(keys[n % 2])
    return most


for number in maps_of(int(sys.argv[1])):
    fd = bpf(GET_FD_BY_ID, struct.pack("I", number))
    size, most, name = info(fd)
    if name == sys.argv[2][:15]:
        print(count(fd, size, most))
        sys.exit(0)
    os.close(fd)
sys.exit(f"map_count.py: process {sys.argv[1]} has no map {sys.argv[2]}")
