// chainrun feeds OTLP metrics payloads to a chain of the collector's own processors, inside one process.
// Tests use it to tell whether the embedded engine does what the real processors do, and benches to tell how fast.
//
//	chainrun -config FILE                              check the processors' settings
//	chainrun -config FILE -input FILE -output FILE     what every payload becomes
//	chainrun -config FILE -input FILE -bench PASSES    CPU seconds per million points
//
// The configuration is a collector's; the processors of its first metrics pipeline (by name) make the chain. The input
// holds one OTLP JSON request a line. Line i of the output is a JSON array of the requests that left the chain while
// payload i was in it, or {"error": "..."} when a processor refused the payload.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string, console io.Writer) error {
	flags := flag.NewFlagSet("chainrun", flag.ExitOnError)
	config := flags.String("config", "", "collector configuration, YAML")
	input := flags.String("input", "", "payloads, an OTLP JSON request a line")
	output := flags.String("output", "", "where to write what the payloads become")
	passes := flags.Int("bench", 0, "passes over the input to measure")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	end := &collected{}
	chain, err := assemble(*config, end)
	if err != nil || *input == "" {
		return err
	}
	payloads, err := readPayloads(*input)
	if err != nil {
		return err
	}
	if *passes > 0 {
		build := func() (line, *collected, error) {
			end := &collected{}
			made, err := assemble(*config, end)
			return made, end, err
		}
		return bench(build, payloads, *passes, console)
	}
	if *output == "" {
		return errors.New("-output or -bench is needed with -input")
	}
	return transform(chain.entrance, end, payloads, *output)
}

// collected is the end of the chain.
type collected struct{ requests []pmetric.Metrics }

func (*collected) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (c *collected) ConsumeMetrics(_ context.Context, request pmetric.Metrics) error {
	c.requests = append(c.requests, request)
	return nil
}

func (c *collected) take() []pmetric.Metrics {
	taken := c.requests
	c.requests = nil
	return taken
}

func readPayloads(path string) ([]pmetric.Metrics, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var decoder pmetric.JSONUnmarshaler
	var payloads []pmetric.Metrics
	reader := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		text, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(text)) > 0 {
			payload, problem := decoder.UnmarshalMetrics(text)
			if problem != nil {
				return nil, fmt.Errorf("%s, line %d: %w", path, number, problem)
			}
			payloads = append(payloads, payload)
		}
		if errors.Is(err, io.EOF) {
			return payloads, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func transform(entrance consumer.Metrics, end *collected, payloads []pmetric.Metrics, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	writer := bufio.NewWriterSize(file, 1<<20)
	for _, payload := range payloads {
		problem := entrance.ConsumeMetrics(context.Background(), payload)
		text, err := became(problem, end.take())
		if err != nil {
			return err
		}
		if _, err := writer.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return writer.Flush()
}

func became(problem error, requests []pmetric.Metrics) ([]byte, error) {
	if problem != nil {
		return json.Marshal(struct {
			Error string `json:"error"`
		}{problem.Error()})
	}
	var encoder pmetric.JSONMarshaler
	texts := make([]json.RawMessage, 0, len(requests))
	for _, request := range requests {
		text, err := encoder.MarshalMetrics(request)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return json.Marshal(texts)
}

func sortedKeys[V any](values map[string]V) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
