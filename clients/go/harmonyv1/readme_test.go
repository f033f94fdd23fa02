package harmonyv1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme finds the code of the README in these tests, which compile.
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

// unindented returns a file without the tabs that lines begin with.
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
