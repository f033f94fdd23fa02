// Package sidecar runs real servers for tests.
package sidecar

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Server is a server on a Unix socket, which it gets again after a restart.
type Server struct {
	// Target is the address to dial.
	Target    string
	t         testing.TB
	command   []string
	arguments []string
	process   *exec.Cmd
}

// New returns a server that is not running. Without a server to run, the test is skipped, or fails if
// the environment variable CI is set.
//
// SIDECAR_COMMAND has the command line of the server; by default it is that of the repository's .venv.
func New(t testing.TB, arguments ...string) *Server {
	t.Helper()
	command := strings.Fields(os.Getenv("SIDECAR_COMMAND"))
	if len(command) == 0 {
		_, file, _, _ := runtime.Caller(0)
		command = []string{filepath.Join(filepath.Dir(file), "../../../../.venv/bin/harmony-server")}
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no server: %v", err)
	}
	// Not t.TempDir(): its path may be too long for a socket.
	folder, err := os.MkdirTemp("", "harmony-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Target: "unix://" + folder + "/harmony.sock", t: t, command: command, arguments: arguments}
	t.Cleanup(func() {
		s.Kill()
		os.RemoveAll(folder)
	})
	return s
}

// Running returns a server that serves.
func Running(t testing.TB, arguments ...string) *Server {
	t.Helper()
	s := New(t, arguments...)
	s.Start()
	return s
}

// Start starts the server and waits until it serves.
func (s *Server) Start() {
	s.t.Helper()
	arguments := append(s.command[1:len(s.command):len(s.command)], "serve", "--log-level", "error", "--listen", s.Target)
	s.process = exec.Command(s.command[0], append(arguments, s.arguments...)...)
	s.process.Stderr = os.Stderr
	output, err := s.process.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); !strings.HasPrefix(line, "listening on ") {
		s.t.Fatalf("the server printed %q: %v", line, err)
	}
}

// Kill kills the server as `kill -9` does, if it is running.
func (s *Server) Kill() {
	s.end(syscall.SIGKILL)
}

// Stop ends the server in good order.
func (s *Server) Stop() {
	s.end(syscall.SIGTERM)
}

func (s *Server) end(signal syscall.Signal) {
	if s.process != nil {
		_ = s.process.Process.Signal(signal)
		_ = s.process.Wait() // Its error is the signal.
		s.process = nil
	}
}

// Restart kills the server and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.Start()
}
