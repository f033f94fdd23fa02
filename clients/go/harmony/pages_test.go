package harmony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPages checks that the code of the pages is also in these tests, so that it compiles.
func TestPages(t *testing.T) {
	var compiled strings.Builder
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		compiled.WriteString(unindented(t, path))
	}
	for _, page := range []string{"../README.md", "../../../docs/clients-go.md"} {
		blocks := strings.Split(unindented(t, page), "```go\n")[1:]
		if len(blocks) == 0 {
			t.Errorf("%s has no code", page)
		}
		for _, block := range blocks {
			code, _, _ := strings.Cut(block, "```")
			if !strings.Contains(compiled.String(), code) {
				t.Errorf("%s: no test has\n%s", page, code)
			}
		}
	}
}

// unindented returns the text of a file without the tabs at the start of its lines.
func unindented(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return strings.Join(lines, "\n")
}
