//! The Salesforce wire client.
