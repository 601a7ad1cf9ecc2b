#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deaf_mount.py - mounts a file system that never answers, as one on a network that is gone:
every look into it waits. It stands until this program ends.

  deaf_mount.py FOLDER UID
"""
import ctypes
import os
import signal
import sys

folder, uid = sys.argv[1], sys.argv[2]
LIBC = ctypes.CDLL(None, use_errno=True)
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id={uid},group_id={uid},allow_other"
if LIBC.mount(b"deaf", folder.encode(), b"fuse", 0, options.encode()):
    sys.exit(f"cannot mount on {folder}: {os.strerror(ctypes.get_errno())}")
print("mounted", flush=True)
signal.sigwait({signal.SIGTERM})
LIBC.umount2(folder.encode(), 2)
