"""The server that `run.sh` has started, and its demo accounts."""

import os

import requests

URL = os.environ["GUILDHALL_URL"]
SOCKET_URL = URL.replace("http:", "ws:")


def sign_in(login):
    """Returns an access token of a demo account."""
    query = """mutation ($login: String!) {
      signIn(input: { login: $login, password: "guildhall-demo" }) { session { accessToken } } }"""
    answer = requests.post(URL, json={"query": query, "variables": {"login": login}}, timeout=30).json()
    return answer["data"]["signIn"]["session"]["accessToken"]
