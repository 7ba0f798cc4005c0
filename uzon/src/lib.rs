//! uzon
