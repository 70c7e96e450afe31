//! Traces for a collector of OpenTelemetry: one span a scan, a request and a batch, each with the id of its conversation.
//! Only in builds with the feature `otlp`, and only when the setting `otlp_endpoint` names a collector.

use tracing_subscriber::Registry;

use super::failure::{Failure, Kind};

/// What takes spans in.
pub(super) type Layer = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

#[cfg(feature = "otlp")]
pub(super) use sending::{Sending, to};

/// What is not sent yet: nothing, in this build.
#[cfg(not(feature = "otlp"))]
#[derive(Debug)]
pub(super) struct Sending;

/// Refuses: this build cannot do it.
#[cfg(not(feature = "otlp"))]
pub(super) fn to(_endpoint: &str) -> Result<(Layer, Sending), Failure> {
    Err(Failure::new(Kind::Settings, "this cim-nix was built without `otlp` and cannot send traces")
        .hinted("unset `otlp_endpoint`, or build with `cargo build --features otlp`"))
}

#[cfg(feature = "otlp")]
mod sending {
    use std::future::Future;
    use std::io::{Error, ErrorKind, Read, Write};
    use std::net::{TcpStream, ToSocketAddrs};
    use std::pin::Pin;
    use std::time::Duration;

    use opentelemetry::KeyValue;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
    use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::{EnvFilter, Layer as _};

    use super::{Failure, Kind, Layer};

    /// How long a collector may take; the end of the program waits no longer for it.
    const PATIENCE: Duration = Duration::from_secs(1);
    /// How much of an answer is read.
    const ANSWER: u64 = 64 << 10;

    /// What is not sent yet is sent when this is dropped.
    #[derive(Debug)]
    pub(in crate::cli) struct Sending(SdkTracerProvider);

    impl Drop for Sending {
        fn drop(&mut self) {
            if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
                tracing::debug!(%error, "traces were not sent");
            }
        }
    }

    /// Begins to send to a collector, as in `http://127.0.0.1:4318`.
    pub(in crate::cli) fn to(endpoint: &str) -> Result<(Layer, Sending), Failure> {
        let wrong = |why: &str| {
            Failure::new(Kind::Settings, format!("`otlp_endpoint` is `{endpoint}`: {why}"))
                .hinted("write `http://127.0.0.1:4318`, for example; TLS is the work of a collector on this machine")
        };
        if !endpoint.starts_with("http://") {
            return Err(wrong("it must begin with `http://`"));
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector)
            .with_timeout(PATIENCE)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| wrong(&error.to_string()))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("cim-nix").with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("cim-nix"));
        Ok((layer.with_filter(EnvFilter::new("cim_domain_nix=info")).boxed(), Sending(provider)))
    }

    /// Posts over a connection of its own each time: batches are few.
    #[derive(Debug)]
    struct Collector;

    impl HttpClient for Collector {
        fn send_bytes<'a, 'b>(
            &'a self,
            request: Request<Bytes>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async move { post(&request) })
        }
    }

    fn post(request: &Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let invalid = |why: &str| Error::new(ErrorKind::InvalidData, why.to_owned());
        let host = request.uri().host().ok_or_else(|| invalid("no host"))?;
        let port = request.uri().port_u16().unwrap_or(80);
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let address = (name, port).to_socket_addrs()?.next().ok_or_else(|| invalid("the host has no address"))?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut message = Vec::new();
        write!(message, "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n", request.uri().path())?;
        for (name, value) in request.headers() {
            write!(message, "{name}: {}\r\n", value.to_str()?)?;
        }
        write!(message, "Content-Length: {}\r\n\r\n", request.body().len())?;
        message.extend_from_slice(request.body());
        stream.write_all(&message)?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer)?;
        let head = String::from_utf8_lossy(&answer);
        let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        let body = head.split_once("\r\n\r\n").map(|(_, body)| body.as_bytes().to_vec()).unwrap_or_default();
        let status = status.ok_or_else(|| invalid("the answer is not HTTP"))?;
        Ok(Response::builder().status(status).body(body.into())?)
    }
}
