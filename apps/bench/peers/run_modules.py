"""run_modules.py REPOSITORY SERVER: one update cycle in the shape of the predecessor, with nothing to update.

It clones the repository anew each time, compares each module's schema_version with the installed one, imports and runs
every enabled module in this very process, and writes the global index. Modules that are newer would be copied over.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time

repository, server = sys.argv[1:]
clone = os.path.join(server, "clone")
installed = os.path.join(server, "modules")


def log(message):
    print(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {message}", flush=True)


def read_index(directory):
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
        return json.load(file)["metadata"]


def version_of(metadata):
    return tuple(int(part) for part in metadata["schema_version"].split("."))


shutil.rmtree(clone, ignore_errors=True)
subprocess.run(["git", "clone", "--quiet", "--branch", "main", repository, clone], check=True)

for name in sorted(os.listdir(os.path.join(clone, "modules"))):
    source, target = os.path.join(clone, "modules", name), os.path.join(installed, name)
    if not os.path.exists(target) or version_of(read_index(source)) > version_of(read_index(target)):
        log(f"updating {name}")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)

packages = {}
for name in sorted(os.listdir(installed)):
    metadata = read_index(os.path.join(installed, name))
    packages[name] = metadata["schema_version"]
    if not metadata.get("enabled", True):
        continue
    spec = importlib.util.spec_from_file_location(f"modules.{name}", os.path.join(installed, name, "index.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.main([])["success"]:
        sys.exit(f"{name} failed")
    log(f"{name} ran")

with open(os.path.join(server, "index.json"), "w", encoding="utf-8") as file:
    json.dump({"metadata": {"schema_version": "1.0.0", "channel": "stable"}, "packages": packages}, file, indent=4)
