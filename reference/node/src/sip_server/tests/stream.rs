//! Direct server tunnelling over TCP: the way changes beneath the connection (D11).
