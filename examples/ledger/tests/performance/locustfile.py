"""Load on the running stack: three reads for each write."""

import random
from uuid import uuid4

from locust import FastHttpUser, constant, task

ACCOUNTS = [f"load-{number}" for number in range(50)]


class Customer(FastHttpUser):
    """Credits an account and looks at balances."""

    wait_time = constant(0.02)

    @task(1)
    def credit(self):
        body = {"id": str(uuid4()), "account": random.choice(ACCOUNTS), "kind": "credit", "amount_cents": 1}
        self.client.post("/operations", json=body, name="POST /operations")

    @task(3)
    def balance(self):
        url = f"/accounts/{random.choice(ACCOUNTS)}/balance"
        with self.client.get(url, name="GET /accounts/ID/balance", catch_response=True) as answer:
            if answer.status_code == 404:  # nobody credited this account yet: a right answer
                answer.success()
