//! Several listeners to one run.

use transload_run::{Event, EventSink};

/// Tells every event to each.
pub(crate) struct Sinks(pub(crate) Vec<Box<dyn EventSink>>);

impl EventSink for Sinks {
    fn emit(&self, event: &Event) {
        for sink in &self.0 {
            sink.emit(event);
        }
    }
}
