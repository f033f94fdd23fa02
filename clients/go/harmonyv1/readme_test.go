package harmonyv1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme checks that the code of the README is also in these tests, so that it compiles.
func TestReadme(t *testing.T) {
	var compiled strings.Builder
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		compiled.WriteString(unindented(t, path))
	}
	blocks := strings.Split(unindented(t, "../README.md"), "```go\n")[1:]
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(compiled.String(), code) {
			t.Errorf("no test has\n%s", code)
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
