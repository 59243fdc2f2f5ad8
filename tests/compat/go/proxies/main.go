// Command proxies answers which proxy net/http uses: JSON objects on standard input, one line on standard output for
// each. net/http reads the environment once, so each question is answered by a process of its own.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
)

type question struct {
	// NAME=value.
	Environment []string `json:"environment"`
	URLs        []string `json:"urls"`
}

// For each URL the proxy, "" for none, or "refused".
type answer []string

func main() {
	work := ask
	if len(os.Args) > 1 {
		work = one
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	for in.More() {
		var q question
		if err := in.Decode(&q); err != nil {
			return err
		}
		text, err := json.Marshal(q)
		if err != nil {
			return err
		}
		child := exec.Command(self, "one")
		child.Env = q.Environment
		child.Stdin = bytes.NewReader(text)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Run(); err != nil {
			return err
		}
	}
	return nil
}

func one() error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var q question
	if err := json.Unmarshal(text, &q); err != nil {
		return err
	}
	found := answer{}
	for _, url := range q.URLs {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		proxy, err := http.ProxyFromEnvironment(request)
		switch {
		case err != nil:
			found = append(found, "refused")
		case proxy == nil:
			found = append(found, "")
		default:
			found = append(found, proxy.Scheme+"://"+proxy.Host)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
