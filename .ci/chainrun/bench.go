package main

import (
	"context"
	"encoding/json"
	"io"
	"syscall"

	"go.opentelemetry.io/collector/pdata/pmetric"
)

// costs are CPU seconds per million input points.
type costs struct {
	Decode float64 `json:"decode"`
	Chain  float64 `json:"chain"`
	Encode float64 `json:"encode"`
	All    float64 `json:"all"`
}

type report struct {
	Processors []string `json:"processors"`
	PointsIn   int      `json:"points_in"`
	PointsOut  int      `json:"points_out"`
	BytesIn    int      `json:"bytes_in"`
	Payloads   int      `json:"payloads"`
	Passes     int      `json:"passes"`
	Costs      costs    `json:"cpu_s_per_million_points"`
}

// bench runs over the same protobuf requests as far as decoding, as far as the chain, and to the encoded end; the cost
// of a step is what it adds. A first pass that is not measured makes caches and memory warm.
func bench(chain line, end *collected, payloads []pmetric.Metrics, passes int, console io.Writer) error {
	made := report{Processors: chain.processors, Payloads: len(payloads), Passes: passes}
	var encoder pmetric.ProtoMarshaler
	requests := make([][]byte, 0, len(payloads))
	for _, payload := range payloads {
		request, err := encoder.MarshalMetrics(payload)
		if err != nil {
			return err
		}
		requests = append(requests, request)
		made.PointsIn += payload.DataPointCount()
		made.BytesIn += len(request)
	}
	steps := []func(pmetric.Metrics) (int, error){
		func(pmetric.Metrics) (int, error) { return 0, nil },
		func(payload pmetric.Metrics) (int, error) {
			return through(chain, end, payload, func(pmetric.Metrics) error { return nil })
		},
		func(payload pmetric.Metrics) (int, error) {
			return through(chain, end, payload, func(request pmetric.Metrics) error {
				_, err := encoder.MarshalMetrics(request)
				return err
			})
		},
	}
	if _, _, err := timed(requests, 1, steps[2]); err != nil {
		return err
	}
	var used [3]float64
	for number, step := range steps {
		seconds, points, err := timed(requests, passes, step)
		if err != nil {
			return err
		}
		used[number] = seconds
		made.PointsOut = points / passes
	}
	scale := 1e6 / float64(max(1, made.PointsIn*passes))
	made.Costs = costs{
		Decode: used[0] * scale,
		Chain:  (used[1] - used[0]) * scale,
		Encode: (used[2] - used[1]) * scale,
		All:    used[2] * scale,
	}
	return json.NewEncoder(console).Encode(made)
}

func through(chain line, end *collected, payload pmetric.Metrics, each func(pmetric.Metrics) error) (int, error) {
	if err := chain.entrance.ConsumeMetrics(context.Background(), payload); err != nil {
		return 0, err
	}
	points := 0
	for _, request := range end.take() {
		points += request.DataPointCount()
		if err := each(request); err != nil {
			return 0, err
		}
	}
	return points, nil
}

func timed(requests [][]byte, passes int, step func(pmetric.Metrics) (int, error)) (float64, int, error) {
	var decoder pmetric.ProtoUnmarshaler
	points := 0
	before := cpuSeconds()
	for range passes {
		for _, request := range requests {
			payload, err := decoder.UnmarshalMetrics(request)
			if err != nil {
				return 0, 0, err
			}
			left, err := step(payload)
			if err != nil {
				return 0, 0, err
			}
			points += left
		}
	}
	return cpuSeconds() - before, points, nil
}

// cpuSeconds is what this process has used, the garbage collector included.
func cpuSeconds() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
