from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ehr.addresses import Reach, may_connect, reach

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)
CASES = {
    Reach.PUBLIC: "8.8.8.8 1.1.1.1 172.32.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808",
    Reach.PRIVATE: "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 fd12::1 fc00::1",
    Reach.LOOPBACK: "127.0.0.1 127.8.8.8 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::",
    Reach.NEVER: """
        169.254.169.254 169.254.1.1 100.100.100.200 168.63.129.16 192.0.0.192 0.0.0.0 0.1.2.3
        224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 203.0.113.9
        :: fe80::1 fec0::1 ff02::1 fd00:ec2::254 fd20:ce::254 2001:db8::1 2001::1 ::7f00:1
        ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe:: ::ffff:0:a9fe:a9fe
        64:ff9b:1::1 100::1 4000::1
        127.1 0x7f.0.0.1 2130706433 0177.0.0.1 fe80::1%eth0 localhost 127.0.0.1:80 [::1]
    """,
}


@pytest.mark.parametrize(
    ("address", "wanted"), [(one, far) for far, text in CASES.items() for one in text.split()]
)
def test_each_kind_of_address_is_told_apart(address: str, wanted: Reach) -> None:
    assert reach(address) is wanted


@given(V4 | V6)
def test_what_counts_as_public_is_public_for_python_too(address: IPv4Address | IPv6Address) -> None:
    if isinstance(address, IPv6Address) and address.sixtofour:
        return  # ours looks at the address inside
    if reach(str(address)) is Reach.PUBLIC:
        assert address.is_global
        assert not address.is_multicast


@given(V4, st.sampled_from(["::ffff:0:0", "64:ff9b::", "::ffff:0:0:0"]))
def test_an_ipv4_address_is_the_same_in_the_clothes_of_ipv6(
    address: IPv4Address, carrier: str
) -> None:
    dressed = IPv6Address(int(IPv6Address(carrier)) | int(address))

    assert reach(str(dressed)) is reach(str(address))


@given(V4)
def test_six_to_four_is_the_address_that_it_carries(address: IPv4Address) -> None:
    dressed = IPv6Address(0x2002 << 112 | int(address) << 80)

    assert reach(str(dressed)) is reach(str(address))


@given(st.text() | V4.map(str) | V6.map(str))
def test_nothing_but_an_address_is_ever_connected_to(text: str) -> None:
    if reach(text) is Reach.NEVER:
        assert not may_connect(text, is_loopback_named=True)
    if reach(text) is Reach.LOOPBACK:
        assert not may_connect(text, is_loopback_named=False)
        assert may_connect(text, is_loopback_named=True)


@pytest.mark.parametrize("address", CASES[Reach.PRIVATE].split())
def test_a_listed_server_may_have_a_private_address(address: str) -> None:
    """Where an EHR lives; what is not listed is never asked for its address."""
    assert may_connect(address, is_loopback_named=False)


@pytest.mark.parametrize("address", CASES[Reach.NEVER].split())
@pytest.mark.parametrize("is_loopback_named", [True, False])
def test_no_server_may_have_an_address_of_a_link_or_of_metadata(
    address: str, *, is_loopback_named: bool
) -> None:
    assert not may_connect(address, is_loopback_named=is_loopback_named)
