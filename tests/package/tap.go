// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What tap.c does, in Go.
package main

import (
	"fmt"
	"os"

	"tap"
)

func main() {
	m := tap.NewTap()
	x, y := make([]float32, 3), make([]float32, 2)
	for t := 0; t < 4; t++ {
		for i := range x {
			x[i] = float32(t*3+i) * 0.125
		}
		fmt.Printf("%d %.9g %.9g\n", m.Step(x, 2, y), y[0], y[1])
	}
	fmt.Println(m.Step(x, tap.BadIndex+3, y))
	defer func() {
		if recover() == nil {
			os.Exit(1)
		}
	}()
	m.Step(x[:2], 2, y)
}
