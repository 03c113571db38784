"""Where each request goes."""

from django.urls import path

from stockroom import api

urlpatterns = [
    path("items", api.items),
    path("items/<str:sku>", api.item),
    path("items/<str:sku>/receipts", api.receipts),
    path("imports", api.imports),
    path("reservations", api.reservations),
    path("reservations/<str:reference>", api.reservation),
    path("reservations/<str:reference>/<str:action>", api.act),
]
