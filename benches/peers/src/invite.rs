//! The INVITE that everybody reads: 1 KiB, as a server passes it on, with an audio offer.

/// The message.
pub const INVITE: &[u8] = b"INVITE sip:mt@[2001:db8:a::100]:5060;transport=udp SIP/2.0\r\n\
    Via: SIP/2.0/UDP [2001:db8:5::5]:5060;branch=z9hG4bK9f1c7a52e6d84b30\r\n\
    Via: SIP/2.0/UDP [2001:db8:c::c]:5062;branch=z9hG4bK41d2b8e07c5a96f3;rport\r\n\
    Record-Route: <sip:[2001:db8:5::5]:5060;lr>\r\n\
    Max-Forwards: 69\r\n\
    From: \"A Caller\" <sip:cn@example.com>;tag=3a7f19c2d5\r\n\
    To: <sip:mt@example.com>\r\n\
    Call-ID: 7d1e4b92c06f385a@[2001:db8:c::c]\r\n\
    CSeq: 4711 INVITE\r\n\
    Contact: <sip:cn@[2001:db8:c::c]:5062>\r\n\
    Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, NOTIFY\r\n\
    Supported: timer, replaces, 100rel\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    User-Agent: example-phone/7 (pc)\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 341\r\n\
    \r\n\
    v=0\r\n\
    o=cn 281474976 281474977 IN IP6 2001:db8:c::c\r\n\
    s=a call\r\n\
    c=IN IP6 2001:db8:c::c\r\n\
    t=0 0\r\n\
    m=audio 40002 RTP/AVP 9 0 8 18 97 101\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:18 G729/8000\r\n\
    a=fmtp:18 annexb=no\r\n\
    a=rtpmap:97 iLBC/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n";
