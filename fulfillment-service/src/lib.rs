//! fulfillment-service
