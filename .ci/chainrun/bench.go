package main

import (
	"context"
	"encoding/json"
	"io"
	"runtime"
	"slices"
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

// bench takes the protobuf requests through decoding, the chain and encoding, and times each step of each request by
// itself. Every pass has a chain of its own, as processors remember what they have seen; a figure is the median of the
// passes. A first pass that is not measured makes caches and memory warm.
func bench(build func() (line, *collected, error), payloads []pmetric.Metrics, passes int, console io.Writer) error {
	made := report{Payloads: len(payloads), Passes: passes}
	var encoder pmetric.ProtoMarshaler
	requests := make([][]byte, 0, len(payloads))
	for number, payload := range payloads {
		request, err := encoder.MarshalMetrics(payload)
		if err != nil {
			return err
		}
		requests = append(requests, request)
		made.PointsIn += payload.DataPointCount()
		made.BytesIn += len(request)
		payloads[number] = pmetric.Metrics{}
	}
	var decode, chain, encode, all []float64
	for pass := range passes + 1 {
		fresh, end, err := build()
		if err != nil {
			return err
		}
		made.Processors = fresh.processors
		// What the pass before left behind is not this one's to clear away.
		runtime.GC()
		used, points, err := timed(fresh, end, requests)
		if err != nil {
			return err
		}
		if pass > 0 {
			made.PointsOut = points
			decode, chain, encode = append(decode, used[0]), append(chain, used[1]), append(encode, used[2])
			all = append(all, used[0]+used[1]+used[2])
		}
	}
	scale := 1e6 / float64(max(1, made.PointsIn))
	made.Costs = costs{
		Decode: median(decode) * scale,
		Chain:  median(chain) * scale,
		Encode: median(encode) * scale,
		All:    median(all) * scale,
	}
	return json.NewEncoder(console).Encode(made)
}

// timed is what decoding, the chain and encoding of all requests took, and how many points were left.
func timed(chain line, end *collected, requests [][]byte) ([3]float64, int, error) {
	var decoder pmetric.ProtoUnmarshaler
	var encoder pmetric.ProtoMarshaler
	var used [3]float64
	points := 0
	for _, request := range requests {
		begin := cpuSeconds()
		payload, err := decoder.UnmarshalMetrics(request)
		if err != nil {
			return used, 0, err
		}
		decoded := cpuSeconds()
		if err := chain.entrance.ConsumeMetrics(context.Background(), payload); err != nil {
			return used, 0, err
		}
		left := end.take()
		through := cpuSeconds()
		for _, request := range left {
			if _, err := encoder.MarshalMetrics(request); err != nil {
				return used, 0, err
			}
		}
		encoded := cpuSeconds()
		for _, request := range left {
			points += request.DataPointCount()
		}
		used[0] += decoded - begin
		used[1] += through - decoded
		used[2] += encoded - through
	}
	return used, points, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// cpuSeconds is what this process has used, the garbage collector included.
func cpuSeconds() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
