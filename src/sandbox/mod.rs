//! A small Salesforce on loopback: real protocol, seeded data, faults on demand.
