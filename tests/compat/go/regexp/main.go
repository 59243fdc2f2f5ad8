// Command regexp answers how Go reads regular expressions: JSON objects on standard input, one line on standard output
// for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"unicode"
)

type question struct {
	Pattern string `json:"pattern"`
	// Texts to try with this and all following patterns.
	Texts []string `json:"texts"`
	// Asks for the names that \p knows, and nothing else.
	Names bool `json:"names"`
}

type answer struct {
	// Why the pattern does not compile.
	Error string `json:"error,omitempty"`
	// "1" for each text with a match and "0" for the others.
	Matches string   `json:"matches"`
	Names   []string `json:"names,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	buffer := bufio.NewWriter(os.Stdout)
	out := json.NewEncoder(buffer)
	var texts []string
	for in.More() {
		var q question
		if err := in.Decode(&q); err != nil {
			return err
		}
		if q.Texts != nil {
			texts = q.Texts
		}
		if err := out.Encode(try(q, texts)); err != nil {
			return err
		}
	}
	return buffer.Flush()
}

func try(q question, texts []string) answer {
	if q.Names {
		return answer{Names: names()}
	}
	re, err := regexp.Compile(q.Pattern)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var bits []byte
	for _, text := range texts {
		bit := byte('0')
		if re.MatchString(text) {
			bit = '1'
		}
		bits = append(bits, bit)
	}
	return answer{Matches: string(bits)}
}

func names() []string {
	found := []string{"Any", "ASCII", "Assigned"}
	for name := range unicode.Categories {
		found = append(found, name)
	}
	for name := range unicode.CategoryAliases {
		found = append(found, name)
	}
	for name := range unicode.Scripts {
		found = append(found, name)
	}
	slices.Sort(found)
	return found
}
