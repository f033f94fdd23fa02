// Package conformance plays vectors against a server and compares the responses.
package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// vectorFile is the vectors of one RPC.
type vectorFile struct {
	RPC     string   `json:"rpc"`
	Vectors []vector `json:"vectors"`
}

// vector is one call and its expected outcome.
type vector struct {
	Name      string            `json:"name"`
	Requests  []json.RawMessage `json:"requests"`
	Responses []any             `json:"responses"`
	// The expected status, without the texts for people; nil: OK.
	Error any `json:"error"`
	// Keys of responses that may have any value.
	Ignore []string `json:"ignore"`
}

// load returns the vectors of a directory, sorted by file name.
func load(directory string) ([]vectorFile, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return nil, err
	}
	var files []vectorFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var file vectorFile
		if err := json.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, file)
	}
	return files, nil
}
