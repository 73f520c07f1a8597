from django.db import migrations, models

import pipeline.desk.models


class Migration(migrations.Migration):
    dependencies = [("desk", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="score",
            name="evidence",
            field=models.JSONField(encoder=pipeline.desk.models.ChineseJSON, null=True),
        )
    ]
