#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""describe.py PACKAGE NAME: each description of a package against what its format asks for: the keys of
Arduino's library.properties, PlatformIO's library.json, ESP-IDF's idf_component.yml, Zephyr's module.yml,
and the order of elements in a CMSIS-Pack. Every file that one of them names exists."""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

root, name = pathlib.Path(sys.argv[1]), sys.argv[2]
problems = []


def need(holds, what):
    if not holds:
        problems.append(what)


def version(text):
    return re.fullmatch(r"\d+\.\d+\.\d+", text or "") is not None


def simple_yaml(path):
    """key: value, and one level of indented key: value; all that these files have."""
    out, parent = {}, None
    for line in path.read_text().splitlines():
        indented, key, value = re.fullmatch(r"( *)([\w-]+):(?: (.*))?", line).groups()
        target = out if not indented else out[parent]
        target[key] = {} if value is None else value.strip('"')
        if not indented:
            parent = key
    return out


properties = dict(line.split("=", 1) for line in (root / "library.properties").read_text().splitlines())
for key in ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"):
    need(key in properties, f"library.properties has no {key}")
need(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", properties["name"]), "library.properties: a name that Arduino does not take")
need(version(properties["version"]), "library.properties: version")
need(properties["category"] == "Data Processing", "library.properties: category")
need((root / "src" / properties["includes"]).is_file(), "library.properties: includes")

manifest = json.loads((root / "library.json").read_text())
need(re.fullmatch(r"[^:;/,@<>]{1,100}", manifest["name"]), "library.json: name")
need(version(manifest["version"]), "library.json: version")
need(set(manifest) <= {"name", "version", "description", "frameworks", "platforms", "headers", "build", "examples"}, "library.json: keys")
need(all((root / "src" / h).is_file() for h in manifest["headers"]), "library.json: headers")
need((root / manifest["build"]["srcDir"]).is_dir(), "library.json: srcDir")
for example in manifest["examples"]:
    need(all((root / example["base"] / f).is_file() for f in example["files"]), "library.json: examples")

component = simple_yaml(root / "idf_component.yml")
need(version(component.get("version")), "idf_component.yml: version")
need(set(component) <= {"version", "description", "url", "license", "dependencies", "targets"}, "idf_component.yml: keys")

module = simple_yaml(root / "zephyr/module.yml")
need(set(module) == {"name", "build"} and set(module["build"]) == {"cmake", "kconfig"}, "module.yml: keys")
need((root / module["build"]["cmake"] / "CMakeLists.txt").is_file(), "module.yml: cmake")
kconfig = (root / module["build"]["kconfig"]).read_text()
need(re.match(r"config MODEL_[A-Z0-9_]+\n\tbool \".+\"\n\tdefault y\n\thelp\n\t  .+\n$", kconfig), "Kconfig")
need(re.search(r"config (\w+)", kconfig).group(1) in (root / "zephyr/CMakeLists.txt").read_text(), "Kconfig and CMakeLists.txt: the symbol")

pack = xml.parse(root / f"grus.{name}.pdsc").getroot()
order = [child.tag for child in pack]
need(pack.tag == "package" and order == ["vendor", "name", "description", "url", "releases", "components"], f"pdsc: {order}")
need(pack.findtext("name") == name, "pdsc: its file is not named vendor.name.pdsc")
need(version(pack.find("releases/release").get("version")), "pdsc: release")
for c in pack.iter("component"):
    need(all(c.get(k) for k in ("Cclass", "Cgroup", "Csub", "Cversion")), "pdsc: a component without class, group or version")
    need([child.tag for child in c] == ["description", "files"], "pdsc: order in component")
for f in pack.iter("file"):
    need(f.get("category") in ("include", "header", "source"), "pdsc: category")
    need((root / f.get("name")).exists(), f"pdsc: no {f.get('name')}")

for problem in problems:
    print(problem)
sys.exit(bool(problems))
