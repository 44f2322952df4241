//! Sets up logging to standard error, as text or JSON, and the logging of panics.

use std::io;

use crate::config::{ConfigError, LogFormat, LogSettings};

/// Installs the global log subscriber and the panic hook. Fails if the filter cannot be parsed, or if a subscriber is
/// installed already.
pub fn start(settings: &LogSettings) -> Result<(), ConfigError> {
    let filter = settings.filter()?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => {
            let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
            subscriber.with_ansi(is_terminal).with_target(false).try_init()
        }
        LogFormat::Json => subscriber.json().flatten_event(true).with_span_list(false).try_init(),
    };
    started.map_err(|cause| ConfigError::new(format!("The log cannot be started: {cause}.")))?;
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("(no message)");
        tracing::error!(location, message, "panic");
    }));
    Ok(())
}
