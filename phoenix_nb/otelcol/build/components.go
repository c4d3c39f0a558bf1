package main

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/forwardconnector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/nopexporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/zpagesextension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/nopreceiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"

	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/countconnector"
	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/routingconnector"
	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/signaltometricsconnector"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/pprofextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/cumulativetodeltaprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatorateprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/groupbyattrsprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/intervalprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricsgenerationprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstarttimeprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstransformprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver"
)

// factories lists everything a configuration may name.
func factories() (otelcol.Factories, error) {
	made := otelcol.Factories{Telemetry: otelconftelemetry.NewFactory()}
	versions := moduleVersions()
	var problems [5]error
	made.Receivers, made.ReceiverModules, problems[0] = section[receiver.Factory](versions,
		hostmetricsreceiver.NewFactory,
		nopreceiver.NewFactory,
		otlpreceiver.NewFactory,
	)
	made.Processors, made.ProcessorModules, problems[1] = section[processor.Factory](versions,
		attributesprocessor.NewFactory,
		batchprocessor.NewFactory,
		cumulativetodeltaprocessor.NewFactory,
		deltatocumulativeprocessor.NewFactory,
		deltatorateprocessor.NewFactory,
		filterprocessor.NewFactory,
		groupbyattrsprocessor.NewFactory,
		intervalprocessor.NewFactory,
		memorylimiterprocessor.NewFactory,
		metricsgenerationprocessor.NewFactory,
		metricstarttimeprocessor.NewFactory,
		metricstransformprocessor.NewFactory,
		redactionprocessor.NewFactory,
		resourceprocessor.NewFactory,
		transformprocessor.NewFactory,
	)
	made.Exporters, made.ExporterModules, problems[2] = section[exporter.Factory](versions,
		debugexporter.NewFactory,
		fileexporter.NewFactory,
		nopexporter.NewFactory,
		otlpexporter.NewFactory,
		otlphttpexporter.NewFactory,
		prometheusexporter.NewFactory,
	)
	made.Connectors, made.ConnectorModules, problems[3] = section[connector.Factory](versions,
		countconnector.NewFactory,
		forwardconnector.NewFactory,
		routingconnector.NewFactory,
		signaltometricsconnector.NewFactory,
	)
	made.Extensions, made.ExtensionModules, problems[4] = section[extension.Factory](versions,
		healthcheckextension.NewFactory,
		pprofextension.NewFactory,
		zpagesextension.NewFactory,
	)
	return made, errors.Join(problems[:]...)
}

// section makes the factories of one kind, and says for the components command where each one comes from.
// Constructors are functions without arguments; what they return is F or more than F.
func section[F component.Factory](versions map[string]string, constructors ...any) (
	map[component.Type]F, map[component.Type]string, error,
) {
	made := make([]F, 0, len(constructors))
	modules := make(map[component.Type]string, len(constructors))
	for _, construct := range constructors {
		function := reflect.ValueOf(construct)
		factory, ok := function.Call(nil)[0].Interface().(F)
		name := runtime.FuncForPC(function.Pointer()).Name()
		if !ok {
			return nil, nil, fmt.Errorf("%s makes no factory of this kind", name)
		}
		made = append(made, factory)
		path := name[:strings.LastIndexByte(name, '.')]
		modules[factory.Type()] = path + " " + versions[path]
		if old, ok := any(factory).(interface{ DeprecatedAlias() component.Type }); ok && old.DeprecatedAlias().String() != "" {
			modules[old.DeprecatedAlias()] = modules[factory.Type()]
		}
	}
	byType, err := otelcol.MakeFactoryMap(made...)
	return byType, modules, err
}

// moduleVersions tells the version of every module in this binary.
func moduleVersions() map[string]string {
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			versions[module.Path] = module.Version
		}
	}
	return versions
}
