//! The one integration-test binary: behaviour through the public surface.
