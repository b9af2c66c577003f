//! Packets that another implementation made: scapy 2.8.0, `bytes(…).hex()` of the expression
//! above each.

/// UDP between two nodes: `IPv6(src="2001:db8:c::c", dst="2001:db8:a::100", hlim=61, tc=0xb8,
/// fl=0xabcde)/UDP(sport=5060, dport=5062)/Raw(b"INVITE sip:mt@example.com SIP/2.0\r\n\r\n")`
pub(crate) const UDP_PLAIN: &str = concat!(
    "6b8abcde002d113d20010db8000c0000000000000000000c20010db8000a00000000000000000100",
    "13c413c6002dc836494e56495445207369703a6d74406578616d706c652e636f6d205349502f322e",
    "300d0a0d0a",
);

/// media of a mobile terminal, route optimized: `IPv6(src="2001:db8:f1::1f",
/// dst="2001:db8:c::c",
/// hlim=64)/IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8:a::100")])/UDP(sport=40002,
/// dport=40000)/Raw(bytes.fromhex("8080123400000160deadbeef")+b"sound")`
pub(crate) const UDP_HOME_ADDRESS: &str = concat!(
    "6000000000313c4020010db800f10000000000000000001f20010db8000c0000000000000000000c",
    "110201020000c91020010db8000a000000000000000001009c429c400019ec148080123400000160",
    "deadbeef736f756e64",
);

/// media to a mobile terminal, route optimized: `IPv6(src="2001:db8:c::c",
/// dst="2001:db8:f1::1f", hlim=64)/IPv6ExtHdrRouting(type=2, segleft=1,
/// addresses=["2001:db8:a::100"])/UDP(sport=40000, dport=40002)/Raw(b"\x01\x02\x03\x04\x05")`
pub(crate) const UDP_TYPE_2: &str = concat!(
    "6000000000252b4020010db8000c0000000000000000000c20010db800f10000000000000000001f",
    "110202010000000020010db8000a000000000000000001009c409c42000d61b70102030405",
);

/// both parties mobile: RFC 6275 section 6.3 order: `IPv6(src="2001:db8:f1::1f",
/// dst="2001:db8:f2::2f", hlim=64)/IPv6ExtHdrRouting(type=2, segleft=1,
/// addresses=["2001:db8:b::100"])/IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8:a::100")])/UDP(sport=40002,
/// dport=40004)/Raw(b"both")`
pub(crate) const UDP_BOTH: &str = concat!(
    "60000000003c2b4020010db800f10000000000000000001f20010db800f20000000000000000002f",
    "3c0202010000000020010db8000b00000000000000000100110201020000c91020010db8000a0000",
    "00000000000001009c429c44000c92f0626f7468",
);

/// a datagram whose sum is zero and is sent as ffff: `IPv6(src="2001:db8:c::c",
/// dst="2001:db8:5::5", hlim=64)/UDP(sport=1234, dport=5678)/Raw(bytes.fromhex("8946"))`
pub(crate) const UDP_SUM_FFFF: &str = concat!(
    "60000000000a114020010db8000c0000000000000000000c20010db8000500000000000000000005",
    "04d2162e000affff8946",
);

/// home registration: `IPv6(src="2001:db8:f1::1f", dst="2001:db8:a::a",
/// hlim=64)/IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8:a::100")])/MIP6MH_BU(seq=0x1234,
/// flags="AH", mhtime=150, options=[MIP6OptAltCoA(acoa="2001:db8:f1::1f")])`
pub(crate) const BINDING_UPDATE: &str = concat!(
    "6000000000383c4020010db800f10000000000000000001f20010db8000a0000000000000000000a",
    "870201020000c91020010db8000a000000000000000001003b0305005d211234c000009601000310",
    "20010db800f10000000000000000001f",
);

/// its acknowledgement: `IPv6(src="2001:db8:a::a", dst="2001:db8:f1::1f",
/// hlim=64)/IPv6ExtHdrRouting(type=2, segleft=1,
/// addresses=["2001:db8:a::100"])/MIP6MH_BA(status=1, seq=0x1234, mhtime=149)`
pub(crate) const BINDING_ACK: &str = concat!(
    "6000000000282b4020010db8000a0000000000000000000a20010db800f10000000000000000001f",
    "870202010000000020010db8000a000000000000000001003b0106004c8c01801234009501020000",
);

/// an echo request in the home agent's tunnel: `IPv6(src="2001:db8:a::a",
/// dst="2001:db8:f1::1f", hlim=63)/IPv6(src="2001:db8:c::c", dst="2001:db8:a::100",
/// hlim=62)/ICMPv6EchoRequest(id=0x1234, seq=0x5678, data=b"ping")`
pub(crate) const TUNNEL: &str = concat!(
    "600000000034293f20010db8000a0000000000000000000a20010db800f10000000000000000001f",
    "60000000000c3a3e20010db8000c0000000000000000000c20010db8000a00000000000000000100",
    "8000dba71234567870696e67",
);

/// a tunnel packet with a Tunnel Encapsulation Limit of 4: `IPv6(src="2001:db8:a::a",
/// dst="2001:db8:f1::1f", hlim=63)/IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=4, optlen=1,
/// optdata=b"\x04"), PadN(optdata=b"\x00")])/IPv6(src="2001:db8:c::c", dst="2001:db8:a::100",
/// hlim=62)/UDP(sport=9, dport=7)/Raw(b"x")`
pub(crate) const TUNNEL_LIMIT: &str = concat!(
    "6000000000393c3f20010db8000a0000000000000000000a20010db800f10000000000000000001f",
    "2900040104010100600000000009113e20010db8000c0000000000000000000c20010db8000a0000",
    "00000000000001000009000700092b3878",
);

/// `IPv6(src="2001:db8:a::100", dst="2001:db8:c::c", hlim=64)/ICMPv6EchoReply(id=0x1234,
/// seq=0x5678, data=b"pong!")`
pub(crate) const ECHO_REPLY: &str = concat!(
    "60000000000d3a4020010db8000a0000000000000000010020010db8000c0000000000000000000c",
    "8100b9a012345678706f6e6721",
);

/// `IPv6(src="2001:db8:c::1", dst="2001:db8:a::100",
/// hlim=64)/ICMPv6DestUnreach(code=4)/IPv6(src="2001:db8:a::100", dst="2001:db8:c::c",
/// hlim=60)/UDP(sport=1234, dport=5678)/Raw(b"q")`
pub(crate) const UNREACHABLE: &str = concat!(
    "6000000000393a4020010db8000c0000000000000000000120010db8000a00000000000000000100",
    "010430d400000000600000000009113c20010db8000a0000000000000000010020010db8000c0000",
    "000000000000000c04d2162e0009174871",
);

/// `IPv6(src="2001:db8:c::1", dst="2001:db8:a::100",
/// hlim=64)/ICMPv6PacketTooBig(mtu=1400)/IPv6(src="2001:db8:a::100", dst="2001:db8:c::c",
/// hlim=60)/UDP(sport=1234, dport=5678)/Raw(b"q")`
pub(crate) const TOO_BIG: &str = concat!(
    "6000000000393a4020010db8000c0000000000000000000120010db8000a00000000000000000100",
    "02002a6000000578600000000009113c20010db8000a0000000000000000010020010db8000c0000",
    "000000000000000c04d2162e0009174871",
);

/// `IPv6(src="2001:db8:c::1", dst="2001:db8:a::100",
/// hlim=64)/ICMPv6TimeExceeded(code=1)/IPv6(src="2001:db8:a::100", dst="2001:db8:c::c",
/// hlim=60)/UDP(sport=1234, dport=5678)/Raw(b"q")`
pub(crate) const TIME_EXCEEDED: &str = concat!(
    "6000000000393a4020010db8000c0000000000000000000120010db8000a00000000000000000100",
    "03012ed700000000600000000009113c20010db8000a0000000000000000010020010db8000c0000",
    "000000000000000c04d2162e0009174871",
);

/// `IPv6(src="2001:db8:c::c", dst="2001:db8:f1::1f", hlim=64)/ICMPv6ParamProblem(code=2,
/// ptr=46)/IPv6(src="2001:db8:f1::1f", dst="2001:db8:c::c", hlim=60)/UDP(sport=1234,
/// dport=5678)/Raw(b"q")`
pub(crate) const PARAMETER_PROBLEM: &str = concat!(
    "6000000000393a4020010db8000c0000000000000000000c20010db800f10000000000000000001f",
    "04022d970000002e600000000009113c20010db800f10000000000000000001f20010db8000c0000",
    "000000000000000c04d2162e0009174271",
);

/// `IPv6(src="fe80::1a:2bff:fe3c:4d5e", dst="ff02::2",
/// hlim=255)/ICMPv6ND_RS()/ICMPv6NDOptSrcLLAddr(lladdr="02:1a:2b:3c:4d:5e")`
pub(crate) const ROUTER_SOLICITATION: &str = concat!(
    "6000000000103afffe80000000000000001a2bfffe3c4d5eff020000000000000000000000000002",
    "850089c5000000000101021a2b3c4d5e",
);

/// every option of RFC 6275 section 7, H set, preference high: `IPv6(src="fe80::a",
/// dst="ff02::1", hlim=255)/ICMPv6ND_RA(chlim=64, M=0, O=1, H=1, prf=1, routerlifetime=1800,
/// reachabletime=30000,
/// retranstimer=1000)/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:0a")/ICMPv6NDOptPrefixInfo(prefixlen=64,
/// L=1, A=1, R=1, validlifetime=86400, preferredlifetime=14400,
/// prefix="2001:db8:a::a")/ICMPv6NDOptMTU(mtu=1500)/ICMPv6NDOptAdvInterval(advint=4000)/ICMPv6NDOptHAInfo(pref=0x0102,
/// lifetime=0x0304)`
pub(crate) const ROUTER_ADVERTISEMENT: &str = concat!(
    "6000000000503afffe80000000000000000000000000000aff020000000000000000000000000001",
    "86008f5a4068070800007530000003e8010102000000000a030440e0000151800000384000000000",
    "20010db8000a0000000000000000000a05010000000005dc0701000000000fa00801000001020304",
);

/// `IPv6(src="fe80::a", dst="ff02::1:ff00:100",
/// hlim=255)/ICMPv6ND_NS(tgt="2001:db8:a::100")/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:0a")`
pub(crate) const NEIGHBOUR_SOLICITATION: &str = concat!(
    "6000000000203afffe80000000000000000000000000000aff0200000000000000000001ff000100",
    "870049470000000020010db8000a00000000000000000100010102000000000a",
);

/// duplicate address detection: `IPv6(src="::", dst="ff02::1:ff00:100",
/// hlim=255)/ICMPv6ND_NS(tgt="2001:db8:a::100")`
pub(crate) const NEIGHBOUR_SOLICITATION_DAD: &str = concat!(
    "6000000000183aff00000000000000000000000000000000ff0200000000000000000001ff000100",
    "87004ae50000000020010db8000a00000000000000000100",
);

/// `IPv6(src="2001:db8:a::a", dst="2001:db8:a::1", hlim=255)/ICMPv6ND_NA(tgt="2001:db8:a::100",
/// R=1, S=1, O=1)/ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:0a")`
pub(crate) const NEIGHBOUR_ADVERTISEMENT: &str = concat!(
    "6000000000203aff20010db8000a0000000000000000000a20010db8000a00000000000000000001",
    "88000945e000000020010db8000a00000000000000000100020102000000000a",
);

/// `IPv6(src="fe80::1", dst="2001:db8:a::100", hlim=255)/ICMPv6ND_Redirect(tgt="fe80::2",
/// dst="2001:db8:a::7")/ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:02")`
pub(crate) const REDIRECT: &str = concat!(
    "6000000000303afffe80000000000000000000000000000120010db8000a00000000000000000100",
    "8900190000000000fe80000000000000000000000000000220010db8000a00000000000000000007",
    "0201020000000002",
);

/// join of a solicited-node group behind a Router Alert: `IPv6(src="fe80::1a:2bff:fe3c:4d5e",
/// dst="ff02::16", hlim=1)/IPv6ExtHdrHopByHop(options=[RouterAlert(value=0),
/// PadN(optdata=b"")])/ICMPv6MLReport2(records_number=2, records=[ICMPv6MLDMultAddrRec(rtype=4,
/// dst="ff02::1:ff3c:4d5e"), ICMPv6MLDMultAddrRec(rtype=1, dst="ff02::99",
/// sources=["2001:db8::5","2001:db8::6"])])`
pub(crate) const MLD_REPORT: &str = concat!(
    "6000000000580001fe80000000000000001a2bfffe3c4d5eff020000000000000000000000000016",
    "3a000502000001008f004f6a0000000204000000ff0200000000000000000001ff3c4d5e01000002",
    "ff02000000000000000000000000009920010db800000000000000000000000520010db800000000",
    "0000000000000006",
);

/// general query of version 2: `IPv6(src="fe80::1", dst="ff02::1",
/// hlim=1)/IPv6ExtHdrHopByHop(options=[RouterAlert(value=0),
/// PadN(optdata=b"")])/ICMPv6MLQuery2(mrd=0x9123, S=1, QRV=2, QQIC=125)`
pub(crate) const MLD_QUERY: &str = concat!(
    "6000000000240001fe800000000000000000000000000001ff020000000000000000000000000001",
    "3a000502000001008200e48291230000000000000000000000000000000000000a7d0000",
);

/// `IPv6(src="2001:db8:f1::1f", dst="2001:db8:a:0:fdff:ffff:ffff:fffe",
/// hlim=64)/ICMPv6HAADRequest(id=0x1234, R=0)`
pub(crate) const DISCOVERY_REQUEST: &str = concat!(
    "6000000000083a4020010db800f10000000000000000001f20010db8000a0000fdfffffffffffffe",
    "900002fe12340000",
);

/// `IPv6(src="2001:db8:a::a", dst="2001:db8:f1::1f", hlim=64)/ICMPv6HAADReply(id=0x1234, R=0,
/// addresses=["2001:db8:a::a","2001:db8:a::b"])`
pub(crate) const DISCOVERY_REPLY: &str = concat!(
    "6000000000283a4020010db8000a0000000000000000000a20010db800f10000000000000000001f",
    "9100a4371234000020010db8000a0000000000000000000a20010db8000a0000000000000000000b",
);

/// `IPv6(src="2001:db8:f1::1f", dst="2001:db8:a::a",
/// hlim=64)/IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8:a::100")])/ICMPv6MPSol(id=0x1234)`
pub(crate) const PREFIX_SOLICITATION: &str = concat!(
    "6000000000203c4020010db800f10000000000000000001f20010db8000a0000000000000000000a",
    "3a0201020000c91020010db8000a000000000000000001009200fef812340000",
);

/// `IPv6(src="2001:db8:a::a", dst="2001:db8:f1::1f", hlim=64)/IPv6ExtHdrRouting(type=2,
/// segleft=1, addresses=["2001:db8:a::100"])/ICMPv6MPAdv(id=0x1234,
/// flags=3)/ICMPv6NDOptPrefixInfo(prefixlen=64, L=1, A=1, R=1, validlifetime=86400,
/// preferredlifetime=14400, prefix="2001:db8:a::a")`
pub(crate) const PREFIX_ADVERTISEMENT: &str = concat!(
    "6000000000402b4020010db8000a0000000000000000000a20010db800f10000000000000000001f",
    "3a0202010000000020010db8000a00000000000000000100930042651234c000030440e000015180",
    "000038400000000020010db8000a0000000000000000000a",
);

/// `IPv6(src="2001:db8:c::c", dst="2001:db8:5::5", hlim=64)/TCP(sport=40001, dport=5060,
/// seq=0x11223344, ack=0x55667788, flags="SAP", window=0x1234, urgptr=0x0102,
/// options=[("MSS",1440)])/Raw(b"SIP/2.0 200 OK\r\n\r\n")`
pub(crate) const TCP_SYN: &str = concat!(
    "60000000002a064020010db8000c0000000000000000000c20010db8000500000000000000000005",
    "9c4113c41122334455667788601a123496750102020405a05349502f322e3020323030204f4b0d0a",
    "0d0a",
);

/// an Authentication Header before UDP: `IPv6(src="2001:db8:c::c", dst="2001:db8:5::5",
/// hlim=64, nh=51)/Raw(AH + UDP(sport=1234, dport=5678)/Raw(b"behind AH"))`
pub(crate) const AH_PACKET: &str = concat!(
    "600000000029334020010db8000c0000000000000000000c20010db8000500000000000000000005",
    "1104000011223344000000050102030405060708090a0b0c04d2162e0011e7c3626568696e642041",
    "48",
);

/// All of them, by name.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("UDP_PLAIN", UDP_PLAIN),
    ("UDP_HOME_ADDRESS", UDP_HOME_ADDRESS),
    ("UDP_TYPE_2", UDP_TYPE_2),
    ("UDP_BOTH", UDP_BOTH),
    ("UDP_SUM_FFFF", UDP_SUM_FFFF),
    ("BINDING_UPDATE", BINDING_UPDATE),
    ("BINDING_ACK", BINDING_ACK),
    ("TUNNEL", TUNNEL),
    ("TUNNEL_LIMIT", TUNNEL_LIMIT),
    ("ECHO_REPLY", ECHO_REPLY),
    ("UNREACHABLE", UNREACHABLE),
    ("TOO_BIG", TOO_BIG),
    ("TIME_EXCEEDED", TIME_EXCEEDED),
    ("PARAMETER_PROBLEM", PARAMETER_PROBLEM),
    ("ROUTER_SOLICITATION", ROUTER_SOLICITATION),
    ("ROUTER_ADVERTISEMENT", ROUTER_ADVERTISEMENT),
    ("NEIGHBOUR_SOLICITATION", NEIGHBOUR_SOLICITATION),
    ("NEIGHBOUR_SOLICITATION_DAD", NEIGHBOUR_SOLICITATION_DAD),
    ("NEIGHBOUR_ADVERTISEMENT", NEIGHBOUR_ADVERTISEMENT),
    ("REDIRECT", REDIRECT),
    ("MLD_REPORT", MLD_REPORT),
    ("MLD_QUERY", MLD_QUERY),
    ("DISCOVERY_REQUEST", DISCOVERY_REQUEST),
    ("DISCOVERY_REPLY", DISCOVERY_REPLY),
    ("PREFIX_SOLICITATION", PREFIX_SOLICITATION),
    ("PREFIX_ADVERTISEMENT", PREFIX_ADVERTISEMENT),
    ("TCP_SYN", TCP_SYN),
    ("AH_PACKET", AH_PACKET),
];

/// The octets of one.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}
