//! analytics-service
