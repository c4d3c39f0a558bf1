package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/processor"
	nometrics "go.opentelemetry.io/otel/metric/noop"
	notraces "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/cumulativetodeltaprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatorateprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/groupbyattrsprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricsgenerationprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstarttimeprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstransformprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
)

const release = "0.159.0"

// line is a started chain.
type line struct {
	entrance   consumer.Metrics
	processors []string
}

// parts are the sections of a configuration that matter here.
type parts struct {
	Processors map[string]map[string]any `yaml:"processors"`
	Service    struct {
		Pipelines map[string]struct {
			Processors []string `yaml:"processors"`
		} `yaml:"pipelines"`
	} `yaml:"service"`
}

// known makes the factories by type; a type that was renamed has both of its names.
func known() map[string]processor.Factory {
	made := map[string]processor.Factory{}
	for _, factory := range []processor.Factory{
		attributesprocessor.NewFactory(),
		cumulativetodeltaprocessor.NewFactory(),
		deltatocumulativeprocessor.NewFactory(),
		deltatorateprocessor.NewFactory(),
		filterprocessor.NewFactory(),
		groupbyattrsprocessor.NewFactory(),
		metricsgenerationprocessor.NewFactory(),
		metricstarttimeprocessor.NewFactory(),
		metricstransformprocessor.NewFactory(),
		resourceprocessor.NewFactory(),
		transformprocessor.NewFactory(),
	} {
		name := factory.Type().String()
		made[name] = factory
		// Renaming has only ever put underscores between the words.
		made[strings.ReplaceAll(name, "_", "")] = factory
	}
	if factory, ok := made["groupbyattrs"]; ok {
		made["group_by_attrs"] = factory
	}
	return made
}

// passes tells whether a processor leaves the points of every payload as they are.
func passes(kind string) bool {
	return kind == "batch" || kind == "memory_limiter" || kind == "memorylimiter"
}

func assemble(path string, end consumer.Metrics) (line, error) {
	made := line{entrance: end}
	text, err := os.ReadFile(path)
	if err != nil {
		return made, err
	}
	var config parts
	if err := yaml.Unmarshal(text, &config); err != nil {
		return made, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range sortedKeys(config.Service.Pipelines) {
		if name == "metrics" || strings.HasPrefix(name, "metrics/") {
			made.processors = config.Service.Pipelines[name].Processors
			break
		}
	}
	factories := known()
	for number := len(made.processors) - 1; number >= 0; number-- {
		name := made.processors[number]
		kind, _, _ := strings.Cut(name, "/")
		if passes(kind) {
			continue
		}
		factory, ok := factories[kind]
		if !ok {
			return made, fmt.Errorf("processors::%s: chainrun has no processor %q", name, kind)
		}
		made.entrance, err = start(factory, config.Processors[name], made.entrance)
		if err != nil {
			return made, fmt.Errorf("processors::%s: %w", name, err)
		}
	}
	return made, nil
}

func start(factory processor.Factory, settings map[string]any, next consumer.Metrics) (consumer.Metrics, error) {
	config := factory.CreateDefaultConfig()
	literal, _ := literally(settings).(map[string]any)
	if err := confmap.NewFromStringMap(literal).Unmarshal(config); err != nil {
		return nil, err
	}
	if err := confmap.Validate(config); err != nil {
		return nil, err
	}
	quiet := component.TelemetrySettings{
		Logger:         zap.NewNop(),
		TracerProvider: notraces.NewTracerProvider(),
		MeterProvider:  nometrics.NewMeterProvider(),
		Resource:       pcommon.NewResource(),
	}
	made, err := factory.CreateMetrics(context.Background(), processor.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: quiet,
		BuildInfo:         component.BuildInfo{Command: "chainrun", Version: release},
	}, config, next)
	if err != nil {
		return nil, err
	}
	return made, made.Start(context.Background(), nobody{})
}

// nobody is a host without extensions.
type nobody struct{}

func (nobody) GetExtensions() map[component.ID]component.Component { return nil }

// literally makes of $$ what the collector makes of it. Other references are not expanded here.
func literally(value any) any {
	switch found := value.(type) {
	case string:
		return strings.ReplaceAll(found, "$$", "$")
	case []any:
		made := make([]any, len(found))
		for number, item := range found {
			made[number] = literally(item)
		}
		return made
	case map[string]any:
		made := make(map[string]any, len(found))
		for key, item := range found {
			made[key] = literally(item)
		}
		return made
	default:
		return value
	}
}
