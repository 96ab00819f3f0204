"""copy_tree.py [--checksum] FROM TO: shutil.copytree; then, as the predecessor did, the SHA-256 of every file of the copy."""

import hashlib
import os
import shutil
import sys

checksum = sys.argv[1] == "--checksum"
source, target = sys.argv[-2:]

shutil.copytree(source, target, symlinks=True)

if checksum:
    sums = {}
    for directory, _, names in os.walk(target):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.islink(path):
                continue
            digest = hashlib.sha256()
            with open(path, "rb") as file:
                while chunk := file.read(1024 * 1024):
                    digest.update(chunk)
            sums[path] = digest.hexdigest()
