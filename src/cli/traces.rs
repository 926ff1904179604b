//! Traces on request: the spans of runs and requests, sent to an OpenTelemetry collector that the environment names.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use super::workspace::variable;
use crate::foundation::trace;

/// The variables that name a collector (OpenTelemetry, "OTLP Exporter Configuration"). The exporter reads them itself, and
/// those beside them: headers, time-outs, the service's name.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// How long the last spans may take to leave when the process ends.
const LAST: Duration = Duration::from_secs(5);

/// Sends what was traced when it is dropped.
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Where a collector is named: a layer that gives spans to it.
    pub fn layer<S>() -> (Option<impl Layer<S>>, Self)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let is_named = |name: &&str| variable(name).is_some_and(|url| !url.is_empty());
        if !ENDPOINTS.iter().any(is_named) {
            return (None, Self::default());
        }
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let exporter = match SpanExporter::builder().with_http().build() {
            Ok(exporter) => exporter,
            Err(error) => {
                // Logging has not begun here.
                super::outcome::print_err(&format!("no traces are sent: {error}\n"));
                return (None, Self::default());
            }
        };
        let mut resource = Resource::builder();
        if variable("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("bridged");
        }
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_location(false)
            .with_threads(false)
            .with_tracer(provider.tracer("bridged"))
            .with_filter(Targets::new().with_target(trace::TARGET, LevelFilter::INFO));
        (Some(layer), Self(Some(provider)))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some(provider) = &self.0 else { return };
        if let Err(error) = provider.shutdown_with_timeout(LAST) {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}
