# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What people.py and people_keras.py do with their nets: make, import, run, compare, count."""
import argparse
import collections
import os
import shutil
import sys
import tempfile
import time

from run import GRUS, outcome


def survey(doc, kinds, prepare, names, make):
    """The command line; prepare(kind) comes before each kind; names() are those of all nets; make(name, kind, folder) gives a case, or None."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="+", choices=kinds)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--grus", default=GRUS)
    parser.add_argument("--keep")
    args = parser.parse_args()
    bad = 0
    for kind in args.kinds:
        prepare(kind)
        counts, began = collections.Counter(), time.time()
        for name in args.only or names():
            with tempfile.TemporaryDirectory() as folder:
                try: case = make(name, kind, folder)
                except Exception as problem:
                    counts["not made"] += 1
                    print(f"{kind} {name} NOT MADE {type(problem).__name__}: {(str(problem).splitlines() or [''])[0][:200]}", flush=True)
                    continue
                if case is None: continue
                result, said = outcome(args.grus, case, folder)
                counts[result] += 1
                if result == "right": continue
                print(f"{kind} {name} {result.upper()} {' '.join(case.options)}\n{said[:3000]}", flush=True)
                if args.keep:
                    to = os.path.join(args.keep, f"{kind}_{name}")
                    shutil.rmtree(to, ignore_errors=True)
                    shutil.copytree(folder, to)
                    open(os.path.join(to, "said"), "w").write(f"{' '.join(case.options)}\n{said}")
        bad += counts["wrong"] + counts["broken"] + counts["caught"]
        print(f"{kind}: {dict(counts)}; {time.time() - began:.0f} s", flush=True)
    sys.exit(1 if bad else 0)
