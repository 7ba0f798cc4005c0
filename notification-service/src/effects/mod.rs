//! Outbound calls. `Perform<Notify>` is the port; each channel provider is an adapter.

mod mailbox;

pub use mailbox::Mailbox;
