// The collector that Phoenix experiments run: stock components, nothing of our own in the way of a payload.
package main

import (
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
)

// release is the version of the core modules in go.mod; the two change together.
const release = "0.159.0"

func main() {
	resolver := confmap.ResolverSettings{ProviderFactories: []confmap.ProviderFactory{
		fileprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory(),
	}}
	command := otelcol.NewCommand(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{
			Command:     "otelcol-phoenix",
			Description: "OpenTelemetry Collector for Phoenix experiments",
			Version:     release,
		},
		Factories:              factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: resolver},
	})
	if err := command.Execute(); err != nil {
		// The command has already printed it.
		os.Exit(1)
	}
}
