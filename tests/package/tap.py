# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tap.c does, in Python."""
import array

import tap

model = tap.Tap("libtap.so")
y = array.array("f", [0, 0])
for t in range(4):
    x = array.array("f", [(t * 3 + i) * 0.125 for i in range(3)])
    print(model.step(x, 2, y), "%.9g %.9g" % tuple(y))
print(model.step(x, 4, y))
for wrong in (array.array("f", [0, 0]), array.array("d", [0, 0, 0])):
    try:
        model.step(wrong, 2, y)
        raise SystemExit("not refused")
    except ValueError:
        pass
